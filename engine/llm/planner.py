"""The planner with a model: it looks, drafts, and mends what does not fit."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.domain.draft import Briefing, Outcome, OutcomeKind, Reading
from engine.errors import CarapulseError, DraftFailed, Invalid, Unavailable
from engine.llm.drafts import Checked, Said, in_words, parse, schema
from engine.llm.exchange import COMPONENT, Asked, Message, Reply
from engine.llm.investigation import Investigation, LookLimits, made
from engine.llm.outside import Witness
from engine.llm.prompts import Prompts, new_fence
from engine.llm.routing import Router
from engine.llm.selection import Selected, Selection, actions
from engine.ports import Clock, Planner, Services, Tools

ANSWER_IN_PROMPT = 8000
KEPT_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class PlannerSettings:
    """`deadline_seconds` is for a whole draft, `prompt_tokens` for what one question may hold."""

    deadline_seconds: float = 150
    repair_rounds: int = 2
    prompt_tokens: int = 24_000
    looks: LookLimits = field(default_factory=LookLimits)


@dataclass(frozen=True, slots=True)
class Means:
    """What the planner needs. `offline` decides what is always looked at, and bears witness."""

    services: Services
    tools: Tools
    prompts: Prompts
    offline: Planner
    router: Router
    clock: Clock


class ModelPlanner:
    """The `Planner` port. A model's words are data until they have passed every check."""

    name = "model"

    def __init__(self, settings: PlannerSettings, means: Means) -> None:
        self._settings = settings
        self._means = means
        self._selection = Selection(means.services, means.tools, settings.prompt_tokens)
        self._checked = Checked(means.services, means.tools)
        self._looking = Investigation(self._checked, settings.looks)
        # Only speed: whoever finds nothing here asks again.
        self._kept: OrderedDict[str, Exchange | CarapulseError] = OrderedDict()

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        """First what a playbook looks at, then what the model asks for, within its limits.

        A model that needs to see nothing more has answered; `plan` takes that answer.
        """
        usual = await self._means.offline.readings(briefing)
        first = tuple(one for one in usual if not made(one, briefing.evidence))
        if first or self._looking.over(briefing, self._means.clock()):
            return first
        exchange = self._exchange(briefing, looking=True)
        try:
            async with asyncio.timeout(self._settings.deadline_seconds):
                exchange = await self._asked(exchange)
        except TimeoutError:
            return self._remember(briefing, self._late())
        except (Unavailable, DraftFailed) as error:
            return self._remember(briefing, error)
        if not exchange.reply.calls:
            return self._remember(briefing, exchange)
        wanted = self._looking.readings(exchange.reply.calls, briefing, self._means.clock())
        return wanted or self._remember(briefing, DraftFailed(self._looking.loops))

    async def plan(self, briefing: Briefing) -> Outcome:
        """Ask, check, and ask again with what was wrong.

        Raises:
            Unavailable: the model does not answer, or not in time.
            DraftFailed: it refused, or nothing usable came after all rounds.
        """
        kept = self._kept.pop(_key(briefing), None)
        if isinstance(kept, CarapulseError):
            raise kept
        try:
            async with asyncio.timeout(self._settings.deadline_seconds):
                outcome = await self._rounds(briefing, kept)
        except TimeoutError:
            raise self._late() from None
        return await self._witnessed(outcome, briefing)

    async def _rounds(self, briefing: Briefing, kept: "Exchange | None") -> Outcome:
        exchange = kept or await self._asked(self._exchange(briefing, looking=False))
        first, rounds = exchange.asked.messages, self._settings.repair_rounds
        for left in range(rounds, -1, -1):
            try:
                return self._outcome(exchange, briefing)
            except Invalid as error:
                problem = error
            if left:
                asked = replace(
                    exchange.asked,
                    messages=[*first, *self._repair(exchange, problem, left - 1)],
                    functions=(),
                )
                exchange = await self._asked(replace(exchange, asked=asked))
        raise DraftFailed(
            f"The language model's draft can't be used after {_tries(rounds + 1)}. "
            f"{_shortly(problem)}"
        )

    def _outcome(self, exchange: "Exchange", briefing: Briefing) -> Outcome:
        outcome = self._checked.outcome(_said(exchange.reply), briefing, by=exchange.reply.by)
        if outcome.proposal is None:
            return outcome
        used = tuple(one.used for one in exchange.selected.passages)
        return outcome.model_copy(
            update={"proposal": outcome.proposal.model_copy(update={"knowledge": used})}
        )

    async def _witnessed(self, outcome: Outcome, briefing: Briefing) -> Outcome:
        """Label what only a text from outside asked for."""
        if outcome.kind is not OutcomeKind.PLAN or outcome.proposal is None:
            return outcome
        try:
            sober = await self._means.offline.plan(briefing)
        except DraftFailed:
            sober = None
        label = Witness(self._means.services, briefing, sober).label(outcome.proposal)
        labelled = outcome.proposal.model_copy(update={"label": label})
        return outcome.model_copy(update={"proposal": labelled})

    async def _asked(self, exchange: "Exchange") -> "Exchange":
        return replace(exchange, reply=await self._means.router.ask(exchange.asked))

    def _exchange(self, briefing: Briefing, *, looking: bool) -> "Exchange":
        fence, selected = new_fence(), self._selection.of(briefing)
        tools = actions(selected.catalogue)
        messages = self._first(briefing, selected, fence)
        functions = self._looking.functions(selected.catalogue) if looking else ()
        if looking:
            left = self._looking.left(briefing)
            text = self._means.prompts.render("investigate", fence, left=left)
            messages.append(Message("user", text))
        asked = Asked(messages, schema(self._means.tools, tools), functions, _who(briefing))
        return Exchange(asked, fence, selected)

    def _first(self, briefing: Briefing, selected: Selected, fence: str) -> list[Message]:
        """The rules, and the request with what was chosen of all that is known."""
        prompts = self._means.prompts
        rules = prompts.render("plan", fence, tools=selected.catalogue)
        request = prompts.render("request", fence, **selected.values(briefing))
        return [Message("system", rules), Message("user", request)]

    def _repair(self, exchange: "Exchange", error: Invalid, left: int) -> list[Message]:
        prompts = self._means.prompts
        text = prompts.render("repair", exchange.fence, errors=in_words(error), left=left)
        answer = exchange.reply.text[:ANSWER_IN_PROMPT] or "(nothing)"
        return [Message("assistant", answer), Message("user", text)]

    def _remember(
        self, briefing: Briefing, found: "Exchange | CarapulseError"
    ) -> Sequence[Reading]:
        self._kept[_key(briefing)] = found
        while len(self._kept) > KEPT_AT_MOST:
            self._kept.popitem(last=False)
        return ()

    def _late(self) -> Unavailable:
        waited = f"{self._settings.deadline_seconds:g} s"
        return Unavailable(COMPONENT, f"The language model has no usable draft after {waited}.")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question with its answer, and what it was made of."""

    asked: Asked
    fence: str
    selected: Selected
    reply: Reply = field(default_factory=lambda: Reply(""))


def _key(briefing: Briefing) -> str:
    current = briefing.current.version if briefing.current else 0
    return f"{briefing.draft.id}/{len(briefing.evidence)}/{current}/{len(briefing.history)}"


def _who(briefing: Briefing) -> str:
    return str(briefing.draft.requester)


def _tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"


def _said(reply: Reply) -> Said:
    if not reply.whole:
        raise Invalid("The answer was cut off. Be shorter.")
    if reply.calls:
        raise Invalid("Nothing more can be looked at now. Answer with what is known.")
    return parse(reply.text)


def _shortly(error: Invalid) -> str:
    """The first things that are wrong, in one line."""
    parts = [f"{name}: {text}" for name, text in list(error.fields.items())[:3]]
    return f"{error}{' ' if parts else ''}{'; '.join(parts)}"[:600]
