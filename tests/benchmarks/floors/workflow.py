"""A bare workflow: one signal, then activities that do nothing. Run with Temporal's address."""

import asyncio
import itertools
import os
import sys
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from pydantic import BaseModel

    from tests.benchmarks.spoken import Json, converse

QUEUE = "bench-floor"
STEPS = 5
SETTLED = 0.05
LIMIT = timedelta(seconds=10)


class Step(BaseModel):
    """What a step of a plan carries."""

    id: str
    tool: str
    args: dict[str, str]


class Plan(BaseModel):
    """What a plan carries."""

    id: str
    steps: list[Step]


class Started:
    """When the first activity of each workflow began."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    @activity.defn
    async def noop(self, step: Step) -> str:
        """Stamp, and be done."""
        self.at.setdefault(activity.info().workflow_id or "", time.perf_counter())
        return step.id


@workflow.defn
class Run:
    """Waits for its approval, as people are slow."""

    def __init__(self) -> None:
        self._approved = False

    @workflow.run
    async def run(self, plan: Plan) -> int:
        await workflow.wait_condition(lambda: self._approved)
        for step in plan.steps:
            await workflow.execute_activity_method(Started.noop, step, start_to_close_timeout=LIMIT)
        return len(plan.steps)

    @workflow.signal
    def approve(self) -> None:
        self._approved = True


def plan(name: str) -> Plan:
    """Five steps with arguments of a usual size."""
    args = {"namespace": "checkout", "deployment": "api", "replicas": "3"}
    steps = [Step(id=f"s{index}", tool="k8s.scale", args=args) for index in range(STEPS)]
    return Plan(id=name, steps=steps)


async def serve(address: str) -> None:
    """Answer each question with the milliseconds that its seconds gave."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    started, numbers = Started(), itertools.count()

    async def one() -> tuple[float, float]:
        name = f"bench-floor-{next(numbers)}"
        handle = await client.start_workflow(Run.run, plan(name), id=name, task_queue=QUEUE)
        await asyncio.sleep(SETTLED)
        sent = time.perf_counter()
        await handle.signal(Run.approve)
        await handle.result()
        return (started.at[name] - sent) * 1000, (time.perf_counter() - sent) * 1000

    async def measure(question: Json) -> Json:
        times, until = [], time.perf_counter() + float(question["seconds"])
        while time.perf_counter() < until:
            times.append(await one())
        return {"first": [first for first, _ in times], "result": [whole for _, whole in times]}

    async with Worker(client, task_queue=QUEUE, workflows=[Run], activities=[started.noop]):
        for _ in range(5):
            await one()
        await converse(measure, {"ready": True})


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)  # the SDK now and then aborts while Python shuts down, after all work was done
