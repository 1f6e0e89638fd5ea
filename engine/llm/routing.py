"""Several models in an order: the first that answers does; budgets and breakers stand before."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.domain.breaker import Breaker
from engine.domain.spending import Hold, Spent
from engine.errors import Unavailable
from engine.llm.exchange import (
    COMPONENT,
    Asked,
    Message,
    ModelRefused,
    OverBudget,
    Provider,
    Reply,
    Usage,
    ignore,
)
from engine.ports import Spending

CHARACTERS_PER_TOKEN = 3
"""Fewer than models really have, so that a reservation is too high and never too low."""


def unredacted(text: str) -> str:
    """Leave a text as it is."""
    return text


@dataclass(frozen=True, slots=True)
class Route:
    """A model with its breaker."""

    provider: Provider
    breaker: Breaker

    @property
    def name(self) -> str:
        settings = self.provider.settings
        return f"{settings.name}:{settings.model}"


@dataclass(frozen=True, slots=True)
class Router:
    """Asks. What is sent is redacted here, whoever is asked."""

    routes: Sequence[Route]
    spending: Spending | None = None
    redact: Callable[[str], str] = unredacted
    on_usage: Callable[[Usage], None] = ignore

    async def ask(self, asked: Asked) -> Reply:
        """The first usable answer.

        Raises:
            Unavailable: none came; the text says what happened to the last one asked.
            ModelRefused: a model refused; the others are not asked to do it instead.
            OverBudget: nothing is left for today, for all or for this person.
        """
        clean = replace(asked, messages=[self._clean(one) for one in asked.messages])
        problem = Unavailable(COMPONENT, "No language model is configured.")
        for route in self.routes:
            if not route.breaker.admits():
                problem = Unavailable(COMPONENT, _resting(route))
                continue
            try:
                return await self._paid(route, clean)
            except Unavailable as error:
                problem = error
        raise problem

    def _clean(self, message: Message) -> Message:
        return Message(message.role, self.redact(message.content))

    async def _paid(self, route: Route, asked: Asked) -> Reply:
        """Reserve what it may cost, ask, and settle what it did cost."""
        began, ending, reply = time.monotonic(), "unavailable", Reply("")
        hold = None
        try:
            hold = await self._held(route, asked)
            reply = replace(await route.provider.ask(asked), by=route.name)
            ending = "answered"
            route.breaker.worked()
        except ModelRefused:
            ending = "refused"
            route.breaker.worked()
            raise
        except OverBudget:
            ending = "over budget"
            raise
        except Unavailable:
            route.breaker.broke()
            raise
        finally:
            route.breaker.left()
            settings = route.provider.settings
            cost = settings.cost(reply.tokens)
            seconds = time.monotonic() - began
            self.on_usage(Usage(settings.name, settings.model, seconds, reply.tokens, cost, ending))
            await self._settle(hold, Spent(tokens=tokens(reply), microdollars=cost))
        return reply

    async def _held(self, route: Route, asked: Asked) -> Hold | None:
        if self.spending is None:
            return None
        hold = await self.spending.reserve(asked.person, reserved(route, asked))
        if hold.refusal:
            raise OverBudget(hold.refusal)
        return hold

    async def _settle(self, hold: Hold | None, spent: Spent) -> None:
        if self.spending is not None and hold is not None:
            await self.spending.settle(hold, spent)


def tokens(reply: Reply) -> int:
    """Tokens of both directions."""
    return reply.tokens.input + reply.tokens.output


def reserved(route: Route, asked: Asked) -> Spent:
    """The most that a question can cost, before it is asked."""
    settings = route.provider.settings
    characters = sum(len(one.content) for one in asked.messages)
    entry = characters // CHARACTERS_PER_TOKEN
    price = entry * settings.input_price + settings.output_tokens * settings.output_price
    return Spent(tokens=entry + settings.output_tokens, microdollars=-(-price // 1_000_000))


def _resting(route: Route) -> str:
    name = route.provider.settings.name
    return f"The language model does not answer: {name} failed several times and is left alone."
