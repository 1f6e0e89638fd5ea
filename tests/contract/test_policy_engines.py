"""An OPA server and our own process decide the same, and neither lets anything pass by accident."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.local.ports import free_port
from engine.domain.breaker import Breaker
from engine.domain.policy import Answer, Question, Ruling
from engine.domain.questions import Limits, to_read
from engine.errors import ConfigurationError, Unavailable
from engine.policy.bundle import packed
from engine.policy.cached import CachedPolicy
from engine.policy.facts import missing
from engine.policy.opa import OpaPolicy, checked_url
from engine.policy.preview import compared, questions
from engine.policy.rego import RegoPolicy
from engine.policy.smoke import SMOKE
from engine.policy.standby import StandbyPolicy
from tests.contract.policy_questions import Lot
from tests.contract.policy_server import OPA, opa_policy
from tests.contract.test_policy import LOOK, TABLE, decide
from tests.unit.governing import ANN, CY, NOW, POLICIES, PROD

AT_ONCE = 50
needs_opa = pytest.mark.skipif(OPA is None, reason="needs an opa on the PATH")
GOOD: dict[str, Any] = {
    "decision": "allow",
    "requirements": {},
    "constraints": {},
    "ttl": 0,
    "reasons": [],
}


def said(ruling: Ruling) -> dict[str, Any]:
    """All of a ruling but which decision it was."""
    return ruling.model_dump(exclude={"id"})


@needs_opa
@pytest.mark.parametrize("questions", [500, pytest.param(5000, marks=pytest.mark.long)])
async def test_both_engines_give_the_same_answer_to_whatever_is_asked(questions: int) -> None:
    lot, inside = Lot(20261122), RegoPolicy([POLICIES])
    seen: Counter[Answer] = Counter()
    async with opa_policy([POLICIES]) as server:
        for _ in range(questions // AT_ONCE):
            some = [draw() for draw in (lot.question, lot.ordinary) for _ in range(AT_ONCE // 2)]
            outside = await asyncio.gather(*map(server.ask, some))
            for question, ruling in zip(some, outside, strict=True):
                mine = await inside.ask(question)
                seen[mine.decision] += 1
                assert said(ruling) == said(mine), question.model_dump_json()

    assert min(seen[answer] for answer in Answer) > questions // 100


@needs_opa
async def test_the_server_decides_as_designed_and_its_decision_id_is_kept() -> None:
    async with opa_policy([POLICIES], named=True) as server:
        for name, question, answer in TABLE:
            given = await server.ask(question)

            assert given.decision is answer, name
            assert len(given.id) == 36
            assert len(given.input_digest) == 64


@needs_opa
async def test_a_server_without_our_rules_allows_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.rego").write_text("package other\n\nallow := true\n")
    async with opa_policy([tmp_path]) as server:
        with pytest.raises(Unavailable, match="does not hold the rules"):
            await server.ask(decide(ANN))


@needs_opa
async def test_our_rego_is_strict_and_covered_by_its_tests() -> None:
    async def run(*arguments: str) -> bytes:
        assert OPA is not None
        asked = await asyncio.create_subprocess_exec(
            OPA, *arguments, str(POLICIES), stdout=asyncio.subprocess.PIPE
        )
        text, _ = await asyncio.wait_for(asked.communicate(), 60)
        assert asked.returncode == 0, text
        return text

    await run("check", "--strict")
    await run("test")
    covered = json.loads(await run("test", "--coverage", "--format=json"))

    assert covered["coverage"] >= 95


class Played:
    """A server that answers as it is told, after the questions that it is checked with."""

    def __init__(self) -> None:
        self.answer: Callable[[], web.StreamResponse] = lambda: web.json_response({"result": GOOD})
        self.asked = 0
        self._known = [decision.value for _, decision in SMOKE]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        if self._known:
            return web.json_response({"result": {**GOOD, "decision": self._known.pop(0)}})
        self.asked += 1
        return self.answer()


@asynccontextmanager
async def played(
    *, timeout: float = 2, breaker: Breaker | None = None
) -> AsyncIterator[tuple[Played, OpaPolicy]]:
    server, app = Played(), web.Application()
    app.router.add_post("/v1/data/policy/assistant/v1/result", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as session:
            shield = breaker or Breaker(5, 30, monotonic)
            yield server, OpaPolicy(session, url, timeout=timeout, breaker=shield)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"result": None},
        {"result": True},
        {"result": "allow"},
        {"result": {"decision": "allow"}},
        {"result": {**GOOD, "decision": "ALLOW"}},
        {"result": {**GOOD, "extra": 1}},
        {"result": {**GOOD, "requirements": {"people": -1}}},
        [],
        None,
    ],
)
async def test_an_answer_that_is_not_exactly_known_is_a_deny(answer: object) -> None:
    async with played() as (server, policy):
        server.answer = lambda: web.json_response(answer)

        given = await policy.ask(decide(ANN))

    assert given.decision is Answer.DENY
    assert "gave no answer that I know" in given.reasons[0]


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=500, text="broken"),
        lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        lambda: web.Response(text="no json"),
        lambda: web.Response(body=b" " * 300_000),
    ],
    ids=["error", "redirect", "no json", "too long"],
)
async def test_an_answer_that_can_not_be_read_is_no_answer(
    answer: Callable[[], web.Response],
) -> None:
    async with played() as (server, policy):
        server.answer = answer

        with pytest.raises(Unavailable):
            await policy.ask(decide(ANN))


async def test_a_question_that_lacks_a_fact_never_reaches_the_server() -> None:
    async with played() as (server, policy):
        given = await policy.ask(decide(ANN).model_copy(update={"facts": {}}))

    assert given.decision is Answer.DENY
    assert server.asked == 0


async def test_after_five_failures_the_server_is_left_alone_for_a_while() -> None:
    now = [0.0]
    breaker = Breaker(5, 30, lambda: now[0])
    async with played(breaker=breaker) as (server, policy):
        await policy.ask(decide(ANN))
        server.answer = lambda: web.Response(status=500)
        for _ in range(8):
            with pytest.raises(Unavailable):
                await policy.ask(decide(ANN))
        while_open = server.asked
        server.answer = lambda: web.json_response({"result": GOOD})
        now[0] = 31

        again = await policy.ask(decide(ANN))

    assert while_open == 6
    assert again.decision is Answer.ALLOW


async def test_without_a_server_every_question_is_refused() -> None:
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{free_port()}"
        policy = OpaPolicy(session, url, timeout=1, breaker=Breaker(5, 30, monotonic))

        for _ in range(20):
            with pytest.raises(Unavailable):
                await policy.ask(decide(ANN))


async def test_a_server_that_never_answers_is_waited_for_five_times() -> None:
    calls = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(writer)
        while await reader.read(65536):
            pass
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        policy = OpaPolicy(session, url, timeout=0.1, breaker=Breaker(5, 30, lambda: 0.0))

        for _ in range(20):
            with pytest.raises(Unavailable):
                await policy.ask(decide(ANN))
        for writer in calls:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    assert len(calls) == 5


@pytest.mark.parametrize("url", ["opa:8181", "http://user:pw@opa", "file:///x", "http://opa?x=1"])
def test_an_address_that_can_not_be_asked_stops_the_start(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"policy\.opa_url"):
        checked_url(url)


class Silent:
    """A policy that may be switched off."""

    def __init__(self, inner: RegoPolicy) -> None:
        self.inner, self.asked, self.down = inner, 0, False

    async def ask(self, question: Question) -> Ruling:
        self.asked += 1
        if self.down:
            raise Unavailable("policy", "down")
        return await self.inner.ask(question)


@pytest.fixture(scope="module")
def inside() -> RegoPolicy:
    return RegoPolicy([POLICIES])


READ = to_read(CY, PROD, limits=Limits(), now=NOW, call=LOOK)


async def test_an_allowed_read_is_remembered_for_its_time_also_while_the_policy_is_down(
    inside: RegoPolicy,
) -> None:
    now = [0.0]
    silent = Silent(inside)
    policy = CachedPolicy(silent, lambda: now[0])
    first = await policy.ask(READ)
    silent.down = True
    now[0] = first.ttl - 0.1

    again = await policy.ask(READ.model_copy(update={"time": NOW.replace(year=2027)}))
    now[0] = first.ttl + 0.1
    with pytest.raises(Unavailable):
        await policy.ask(READ)

    assert again.id == first.id
    assert silent.asked == 2


async def test_nothing_but_an_allowed_read_is_remembered(inside: RegoPolicy) -> None:
    silent = Silent(inside)
    policy = CachedPolicy(silent, lambda: 0.0)
    denied = READ.model_copy(update={"actor": CY.model_copy(update={"tenant": "other"})})

    for question in (decide(ANN), decide(ANN), denied, denied):
        await policy.ask(question)

    assert silent.asked == 4


async def test_somebody_elses_read_is_another_question(inside: RegoPolicy) -> None:
    silent = Silent(inside)
    policy = CachedPolicy(silent, lambda: 0.0)

    for actor in (CY, ANN, CY):
        await policy.ask(READ.model_copy(update={"actor": actor}))

    assert silent.asked == 2


async def test_a_standby_answers_only_when_the_first_is_silent(inside: RegoPolicy) -> None:
    first, second = Silent(inside), Silent(inside)
    policy = StandbyPolicy(first, second)
    await policy.ask(decide(ANN))
    answered = second.asked
    first.down = True

    ruling = await policy.ask(decide(ANN))

    assert (answered, second.asked) == (0, 1)
    assert ruling.decision is Answer.ALLOW


def test_a_policy_with_a_wrong_line_stops_the_start_and_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "own.rego").write_text("package policy.assistant.v1\n\nfoo if {\n\tx := := 1\n}\n")

    with pytest.raises(ConfigurationError, match=r"own\.rego.* line 4: Invalid assignment"):
        RegoPolicy([POLICIES, tmp_path])


@needs_opa
async def test_a_server_with_our_bundle_decides_as_designed(tmp_path: Path) -> None:
    (tmp_path / "rules.tar.gz").write_bytes(packed([POLICIES]))
    async with opa_policy([tmp_path / "rules.tar.gz"], bundle=True) as server:
        for name, question, answer in TABLE:
            assert (await server.ask(question)).decision is answer, name


async def test_a_preview_lists_what_rules_of_ones_own_change(
    inside: RegoPolicy, tmp_path: Path
) -> None:
    (tmp_path / "own.rego").write_text(
        "package policy.assistant.v1\nimport rego.v1\n"
        'refusals contains "Not on Fridays." if input.action == "plan.create"\n'
    )

    found = await compared(inside, RegoPolicy([POLICIES, tmp_path]), ("sre",))

    assert found.asked > found.changed == sum(found.counts.values()) > 0
    assert all(one.question.startswith("plan.create by ") for one in found.changes)
    assert all(one.after.startswith("deny") for one in found.changes)


async def test_every_question_of_a_preview_is_complete() -> None:
    wrong = {text for question in questions(("sre",)) if (text := missing(question))}

    assert wrong == set()
