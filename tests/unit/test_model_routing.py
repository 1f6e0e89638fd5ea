"""Which model is asked, when one is left alone, and what is sent and counted."""

from dataclasses import replace

import pytest

from engine.domain.breaker import Breaker
from engine.domain.spending import Hold, Spent
from engine.errors import Unavailable
from engine.llm.exchange import (
    Asked,
    Message,
    ModelRefused,
    OverBudget,
    ProviderSettings,
    Reply,
    Tokens,
    Usage,
)
from engine.llm.routing import Route, Router
from tests.unit.models import Obeying
from tests.unit.planning import NOW

QUESTION = Asked([Message("user", "the password is hunter2")], {}, person="dana")
SETTINGS = ProviderSettings("one", "m", "http://one", output_tokens=100)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Purse:
    """The `Spending` port, which remembers."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal = refusal
        self.held: list[Spent] = []
        self.settled: list[Spent] = []

    async def reserve(self, person: str, spent: Spent) -> Hold:
        self.held.append(spent)
        return Hold(day=NOW.date(), person=person, spent=spent, refusal=self.refusal)

    async def settle(self, hold: Hold, spent: Spent) -> None:
        self.settled.append(spent)


def away(_: Asked) -> Reply:
    raise Unavailable("model", "The language model does not answer: no way.")


def refuses(_: Asked) -> Reply:
    raise ModelRefused("The language model refuses: no.")


def well(_: Asked) -> Reply:
    return Reply("{}", tokens=Tokens(1000, 400, 50))


def route(answer: object, *, clock: Clock | None = None, name: str = "one") -> Route:
    provider = Obeying(answer)  # type: ignore[arg-type]
    provider.settings = replace(SETTINGS, name=name)
    return Route(provider, Breaker(2, 30, clock or Clock()))


async def test_the_next_model_answers_when_the_first_does_not() -> None:
    router = Router([route(away), route(well, name="two")])

    reply = await router.ask(QUESTION)

    assert reply.by == "two:m"


async def test_a_refusal_is_not_taken_to_another_model() -> None:
    second = route(well, name="two")

    with pytest.raises(ModelRefused):
        await Router([route(refuses), second]).ask(QUESTION)

    assert isinstance(second.provider, Obeying)
    assert second.provider.asked == []


async def test_who_fails_again_and_again_is_left_alone_and_tried_once_later() -> None:
    clock = Clock()
    broken = route(away, clock=clock)
    router = Router([broken])
    for _ in range(2):
        with pytest.raises(Unavailable, match="no way"):
            await router.ask(QUESTION)

    with pytest.raises(Unavailable, match="left alone"):
        await router.ask(QUESTION)
    assert broken.breaker.state == "open"

    clock.now = 31
    assert broken.breaker.state == "half-open"
    with pytest.raises(Unavailable, match="no way"):
        await router.ask(QUESTION)
    assert broken.breaker.state == "open"


def test_half_open_lets_one_question_through() -> None:
    clock = Clock()
    breaker = Breaker(1, 10, clock)
    breaker.broke()
    clock.now = 11

    admitted = [breaker.admits(), breaker.admits()]
    breaker.worked()

    assert admitted == [True, False]
    assert breaker.state == "closed"


async def test_what_is_sent_is_clean_whoever_is_asked() -> None:
    first, second = route(away), route(well, name="two")

    await Router([first, second], redact=lambda text: text.replace("hunter2", "*")).ask(QUESTION)

    for one in (first, second):
        assert isinstance(one.provider, Obeying)
        assert one.provider.asked[0].messages[0].content == "the password is *"


async def test_what_was_set_aside_is_settled_by_what_it_cost() -> None:
    purse, used = Purse(), list[Usage]()
    priced = route(well)
    assert isinstance(priced.provider, Obeying)
    priced.provider.settings = replace(
        SETTINGS, input_price=1_000_000, cached_price=100_000, output_price=10_000_000
    )

    await Router([priced], purse, on_usage=used.append).ask(QUESTION)

    assert purse.settled == [Spent(tokens=1050, microdollars=600 + 40 + 500)]
    assert purse.held[0].tokens >= 100
    assert [(one.ending, one.microdollars) for one in used] == [("answered", 1140)]


async def test_a_question_that_failed_costs_nothing() -> None:
    purse = Purse()

    with pytest.raises(Unavailable):
        await Router([route(away)], purse).ask(QUESTION)

    assert purse.settled == [Spent()]


async def test_without_budget_nobody_is_asked() -> None:
    only = route(well)

    with pytest.raises(OverBudget, match="used up"):
        await Router([only], Purse("Your budget is used up.")).ask(QUESTION)

    assert isinstance(only.provider, Obeying)
    assert only.provider.asked == []
    assert only.breaker.state == "closed"


async def test_without_any_model_that_is_said() -> None:
    with pytest.raises(Unavailable, match="No language model"):
        await Router([]).ask(QUESTION)
