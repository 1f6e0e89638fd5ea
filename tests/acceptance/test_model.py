"""With a language model configured: its plan is carried out, its garbage costs only a sentence."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from bot.local.slack.person import plain
from tests.acceptance.rig import Additions, Rig, open_rig
from tests.acceptance.thread import ask, press
from tests.contract.model_endpoint import open_endpoint, says, says_json, silent

pytestmark = pytest.mark.asyncio(loop_scope="module")
Answer = Callable[[web.Request], Any]


@dataclass
class Model:
    """What the endpoint answers now; a test changes it."""

    answer: Answer = field(default_factory=lambda: says("not JSON"))

    async def __call__(self, request: web.Request) -> Any:
        return await self.answer(request)


@dataclass(frozen=True)
class Talking:
    """A whole Carapulse with a model."""

    rig: Rig
    model: Model


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def talking(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Talking]:
    model = Model()
    async with open_endpoint(model) as endpoint:
        env = {
            "OPENAI_API_KEY": "sk-test-secret",
            "OPENAI_BASE_URL": endpoint.url,
            "CARAPULSE_LLM__TIMEOUT_SECONDS": "2",
        }
        folder = tmp_path_factory.mktemp("model")
        async with open_rig(folder, Additions(env=env)) as rig:
            yield Talking(rig, model)


def a_fix(rig: Rig, value: str = "20") -> Callable[[web.Request], Awaitable[web.Response]]:
    """A model that sets the pool size forward and checks the error rate."""

    async def answer(request: web.Request) -> web.Response:
        head = await rig.head()
        place = {"remote": rig.world.repository_url, "branch": "main"}
        change = {"path": "checkout/settings.yaml", "key": "pool_size", "value": value}
        steps = [
            {
                "tool": "git",
                "action": "set_value",
                "input": {**place, **change, "expected_head": head},
                "title": f"Write pool_size = {value}",
                "why": "0 lets checkouts wait for ever",
                "expect": None,
            },
            {
                "tool": "shop",
                "action": "health",
                "input": {},
                "title": "Check the error rate",
                "why": "",
                "expect": {
                    "output": "error_rate",
                    "comparison": "<=",
                    "value": "0.05",
                    "within_seconds": 20,
                    "hold_seconds": 1,
                    "unit": "ratio",
                    "label": "error rate",
                },
            },
        ]
        said = {
            "kind": "plan",
            "text": "",
            "choices": [],
            "title": f"Set checkout pool_size to {value} in prod/eu-1",
            "why": "The last commit set it to 0.",
            "understood": "fix checkout",
            "service": "checkout",
            "environment": "prod",
            "cluster": "eu-1",
            "steps": steps,
        }
        response: web.Response = await says_json(said)(request)
        return response

    return answer


async def test_a_models_plan_is_checked_approved_and_carried_out(talking: Talking) -> None:
    rig = talking.rig
    talking.model.answer = a_fix(rig)
    bad = await rig.broken()

    thread = await ask(rig.dana, "checkout is failing, fix it")
    card = await thread.card("Waiting for approval", "Set checkout pool_size to 20", "Approve")
    assert await press(rig.ann, card, "Approve")
    await thread.outcome(":large_green_circle:", "Done in")

    assert await rig.head() != bad
    assert "pool_size: 20" in await rig.world.repository.settings()


async def test_a_plan_that_nobody_asked_for_says_so_and_waits_for_a_person(
    talking: Talking,
) -> None:
    rig = talking.rig
    await rig.mended()
    head = await rig.head()
    talking.model.answer = a_fix(rig, "9999")

    thread = await ask(rig.dana, "is checkout healthy?")
    card = await thread.card("Waiting for approval", "Set checkout pool_size to 9999", within=60)

    assert "Suggested by a text that I read, not asked for by a person" in plain(card)
    assert "Needs 1 of" in plain(card)
    assert await rig.head() == head


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (says("not JSON at all"), "gave no usable draft"),
        (says("x" * 400_000), "gave no usable draft"),
        (says("x" * 1_000_000), "does not answer"),
        (says_json({"kind": "plan", "steps": "none"}), "gave no usable draft"),
        (silent(30), "does not answer"),
    ],
    ids=["not JSON", "400 kB", "1 MB", "wrong types", "silence"],
)
async def test_garbage_from_the_model_costs_a_sentence_and_the_offline_draft_comes(
    talking: Talking, answer: Answer, sentence: str
) -> None:
    rig = talking.rig
    await rig.mended()
    talking.model.answer = answer
    bad = await rig.broken()

    thread = await ask(rig.dana, "checkout is failing since the last config change, roll it back")
    card = await thread.card("Waiting for approval", "Approve", within=60)
    told = await thread.message(f"The language model {sentence}")

    assert bad[:7] in plain(card)
    assert "roll back a config change" in plain(told)


async def test_without_any_draft_the_thread_says_what_happened_to_the_model(
    talking: Talking,
) -> None:
    talking.model.answer = says("not JSON")

    thread = await ask(talking.rig.dana, "please order pizza for the whole team")
    refused = await thread.message("The language model", within=40)

    assert "Approve" not in plain(refused)
