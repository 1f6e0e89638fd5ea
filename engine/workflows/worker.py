"""The Temporal worker of one process: planning, execution, and the calls of tools."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.worker import Worker

from engine.errors import Unavailable
from engine.workflows.activities import DraftActivities, ExecutionActivities, ToolActivities
from engine.workflows.temporal import DraftPlan, ExecutePlan

GRACE = timedelta(seconds=5)


async def connect_later(address: str, namespace: str) -> Client:
    """A client that connects at its first call, so that start-up needs no Temporal."""
    return await Client.connect(
        address, namespace=namespace, data_converter=pydantic_data_converter, lazy=True
    )


async def connect(address: str, namespace: str) -> Client:
    """A connected client, as workers need it. Raises `Unavailable`."""
    try:
        return await Client.connect(
            address, namespace=namespace, data_converter=pydantic_data_converter
        )
    except (RuntimeError, RPCError) as error:
        raise Unavailable("temporal", f"Temporal at {address} does not answer.") from error


@asynccontextmanager
async def open_worker_on(
    client: Client,
    queue: str,
    *,
    drafts: DraftActivities,
    executions: ExecutionActivities,
    tools: ToolActivities,
    at_once: int = 40,
) -> AsyncIterator[None]:
    """Work for as long as the block lasts; running activities get a grace at the end.

    Workflows and calls share a queue: the worker that decides on a call takes it with the same
    answer of the server, a round trip less than through a queue of its own.
    """
    async with Worker(
        client,
        task_queue=queue,
        workflows=[DraftPlan, ExecutePlan],
        activities=[drafts.look, drafts.propose, executions.next_move, tools.perform],
        graceful_shutdown_timeout=GRACE,
        max_concurrent_workflow_tasks=100,
        max_concurrent_activities=at_once,
    ):
        yield


@asynccontextmanager
async def open_runner_on(
    client: Client, queue: str, *, tools: ToolActivities, at_once: int
) -> AsyncIterator[None]:
    """Calls of one place alone: no workflow runs here, so nothing is decided here."""
    async with Worker(
        client,
        task_queue=queue,
        activities=[tools.perform],
        graceful_shutdown_timeout=GRACE,
        max_concurrent_activities=at_once,
    ):
        yield
