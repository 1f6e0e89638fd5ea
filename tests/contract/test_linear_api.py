"""How the adapter takes what Linear answers; Linear is played strictly, there is no real one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import aiohttp
import pytest

from engine.domain.breaker import Breaker
from engine.domain.issue import Filing, Standing
from engine.errors import Invalid, NotFound, Unavailable
from engine.outside import linear_documents
from engine.outside.asking import Asking
from engine.outside.linear import Linear, Names
from engine.telemetry.metrics import Metrics
from tests.contract.played_linear import ANN_THERE, KEY, PlayedLinear, cost, open_linear

NAMES = Names("OPS", "Todo", "Done", "Cancelled")
FILING = Filing(version=1, title="P-1: pool 5", description="steps", labels=("carapulse",))


@dataclass
class Bench:
    linear: PlayedLinear
    tracker: Linear
    asking: Asking
    metrics: Metrics
    time: list[float]

    def later(self, seconds: float) -> None:
        self.time[0] += seconds


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with open_linear() as linear, aiohttp.ClientSession() as session:
        time, metrics = [100.0], Metrics()
        breaker = Breaker(3, 30, lambda: time[0])
        asking = Asking("linear", session, breaker, 2, metrics.outside)
        yield Bench(linear, Linear(asking, linear.url, KEY, NAMES), asking, metrics, time)


async def opened(bench: Bench) -> str:
    issue_id = str(uuid4())
    await bench.tracker.open(issue_id, FILING, again=False)
    return issue_id


@pytest.mark.parametrize("fault", ["429", "limit"])
async def test_when_it_wants_patience_nothing_is_asked_until_then(bench: Bench, fault: str) -> None:
    bench.linear.faults.append(fault)
    with pytest.raises(Unavailable, match="patience"):
        await bench.tracker.check()
    with pytest.raises(Unavailable, match="patience"):
        await bench.tracker.check()
    assert bench.linear.asked == []

    bench.later(61)

    assert await bench.tracker.check() == "Carapulse"


async def test_a_service_that_fails_is_left_alone_for_a_while_and_readiness_says_so(
    bench: Bench,
) -> None:
    bench.linear.faults += ["502"] * 3
    for _ in range(4):
        with pytest.raises(Unavailable):
            await bench.tracker.check()
    with pytest.raises(Unavailable, match="linear"):
        await bench.asking.check()
    assert bench.linear.asked == []

    bench.later(31)
    await bench.tracker.check()

    await bench.asking.check()


async def test_a_wrong_key_is_no_refusal_of_what_is_said(bench: Bench) -> None:
    wrong = Linear(bench.asking, bench.linear.url, "lin_api_other", NAMES)

    with pytest.raises(Unavailable, match="refuses our key"):
        await wrong.open(str(uuid4()), FILING, again=False)
    with pytest.raises(Unavailable, match="refuses our key"):
        await bench.asking.check()


@pytest.mark.parametrize(
    ("names", "said"),
    [(Names("NOPE", "Todo", "Done", "Canceled"), "no team NOPE"),
     (Names("OPS", "Todo", "Shipped", "Canceled"), "no state Shipped")],
)  # fmt: skip
async def test_names_that_linear_does_not_know_are_said(
    bench: Bench, names: Names, said: str
) -> None:
    with pytest.raises(Unavailable, match=said):
        await Linear(bench.asking, bench.linear.url, KEY, names).check()


async def test_a_deleted_issue_and_a_refused_input_are_told_apart(bench: Bench) -> None:
    issue_id = await opened(bench)

    with pytest.raises(NotFound):
        await bench.tracker.move(str(uuid4()), Standing.APPROVED)
    with pytest.raises(Invalid):
        await bench.tracker.comment(issue_id, str(uuid4()), " ", again=False)


async def test_a_long_history_is_read_to_its_end(bench: Bench) -> None:
    issue_id = await opened(bench)
    bench.linear.pages = 2
    for name in ("In Progress", "Done", "Todo", "Canceled", "Done"):
        bench.linear.moves(name, ANN_THERE)

    moves = await bench.tracker.moves(issue_id)

    assert [each.state for each in moves] == ["In Progress", "Done", "Todo", "Canceled", "Done"]
    assert moves[0].to is None
    assert moves[-1].to is Standing.APPROVED


async def test_what_our_own_key_moves_is_nobodys_act(bench: Bench) -> None:
    issue_id = await opened(bench)

    await bench.tracker.move(issue_id, Standing.APPROVED)

    assert await bench.tracker.moves(issue_id) == []


def test_no_document_comes_near_the_limit_of_complexity() -> None:
    documents = [text for name, text in vars(linear_documents).items() if name.isupper()]

    assert documents
    assert max(cost(each) for each in documents) < 2_000
