"""The Temporal workers of one process: planning and execution, and the tool queue."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
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
async def open_workers(
    client: Client,
    queue: str,
    *,
    drafts: DraftActivities,
    executions: ExecutionActivities,
    tools: ToolActivities,
    tools_at_once: int = 20,
) -> AsyncIterator[None]:
    """Work for as long as the block lasts; running activities get a grace at the end."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            Worker(
                client,
                task_queue=queue,
                workflows=[DraftPlan, ExecutePlan],
                activities=[drafts.look, drafts.propose, executions.next_move],
                graceful_shutdown_timeout=GRACE,
                max_concurrent_workflow_tasks=100,
            )
        )
        await stack.enter_async_context(
            Worker(
                client,
                task_queue=f"{queue}-tools",
                activities=[tools.perform],
                graceful_shutdown_timeout=GRACE,
                max_concurrent_activities=tools_at_once,
            )
        )
        yield
