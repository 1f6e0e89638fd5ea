"""What a model's draft costs beside the model's own time."""

import time
from contextlib import AsyncExitStack

from bot.local.stack import Stack
from engine.context.services import ServiceFile
from engine.domain.passage import Passage
from engine.llm.prompts import load_prompts, new_fence
from engine.llm.selection import Selection
from engine.resources import shipped
from tests.benchmarks.figures import Aim, Samples
from tests.benchmarks.incident import Incidents
from tests.benchmarks.product import open_product
from tests.benchmarks.rows import Say, alternate, rows_of
from tests.benchmarks.slack import open_slack
from tests.contract.model_endpoint import open_endpoint, says_json, slow
from tests.unit.models import plan, step
from tests.unit.planning import briefing, registry

PROMPT = "prompt of 500 runbooks, 5,000 services"
THOUGHT, THOUGHT_TAIL = "message to card beside a model of 300 ms", "the same, p95"
LATENCY = 0.3
MILLISECOND = Samples([1.0])
"""The floor of these rows, so that their ratio reads as milliseconds."""
SERVICES, RUNBOOKS = 5000, 500


async def models(stack: Stack, seconds: float, say: Say) -> None:
    """Two rows whose aim is a time."""
    rows = rows_of((PROMPT, "ms", Aim(50), "1 ms"))
    assembling = Assembling()
    await alternate(rows, one_millisecond, assembling.turn, until=time.monotonic() + 4 * seconds)
    say(rows[PROMPT])
    await thinking(stack, seconds, say)


async def one_millisecond() -> dict[str, Samples]:
    return dict.fromkeys((PROMPT, THOUGHT, THOUGHT_TAIL), MILLISECOND)


class Assembling:
    """Everything between a request and its prompts, in a large company."""

    def __init__(self) -> None:
        names = [f"svc-{at}" for at in range(SERVICES)]
        listed = [
            {"name": name, "namespace": f"ns-{at % 50}", "depends_on": names[at // 2 : at][:1]}
            for at, name in enumerate(names)
        ]
        services = ServiceFile.build({"services": [*listed, {"name": "checkout"}]}, "services")
        self._selection = Selection(services, registry(), 24_000)
        self._prompts = load_prompts(shipped("prompts"))
        self._asked = briefing(
            "checkout and svc-7 are failing, roll back svc-9",
            knowledge=tuple(
                Passage(title=f"Runbook {at}", kind="runbook", text="Look first. " * 300)
                for at in range(RUNBOOKS)
            ),
        )

    async def turn(self) -> dict[str, Samples]:
        """Twenty prompts."""
        times = []
        for _ in range(20):
            began = time.perf_counter()
            selected, fence = self._selection.of(self._asked), new_fence()
            self._prompts.render("plan", fence, tools=selected.catalogue)
            self._prompts.render("request", fence, **selected.values(self._asked))
            times.append((time.perf_counter() - began) * 1000)
        return {PROMPT: Samples(times)}


async def thinking(stack: Stack, seconds: float, say: Say) -> None:
    """A whole draft by a model that takes its time; its time is taken off."""
    rows = rows_of(
        (THOUGHT, "ms", None, "1 ms"),
        (THOUGHT_TAIL, "ms", Aim(150), "1 ms"),
    )
    stamp = step(tool="bench", action="stamp", input={"name": "checkout"}, title="Stamp it")
    said = plan(title="Stamp the clock", environment="dev", cluster="eu-1", steps=[stamp])
    async with AsyncExitStack() as opened:
        endpoint = await opened.enter_async_context(open_endpoint(slow(says_json(said), LATENCY)))
        mine = await opened.enter_async_context(open_slack())
        env = {"OPENAI_API_KEY": "sk-bench", "OPENAI_BASE_URL": endpoint.url}
        product = await opened.enter_async_context(open_product(stack, mine, worker=True, more=env))
        played = Incidents(product, mine)
        await played.listen()
        for _ in range(3):
            await played.play("stamp the clock")

        async def turn() -> dict[str, Samples]:
            until = time.perf_counter() + 3 * seconds
            times: list[float] = []
            while time.perf_counter() < until:
                course = await played.play("stamp the clock")
                times.append(course.message_to_card - LATENCY * 1000)
            tail = sorted(times)[min(int(len(times) * 0.95), len(times) - 1)]
            return {THOUGHT: Samples(times), THOUGHT_TAIL: Samples([tail])}

        await alternate(rows, one_millisecond, turn, until=time.monotonic() + 9 * seconds)
    for row in rows.values():
        say(row)
