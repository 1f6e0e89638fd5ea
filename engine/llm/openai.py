"""The planner with a model behind an OpenAI-compatible endpoint."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.domain.draft import Briefing, Outcome, Reading
from engine.domain.model import Json
from engine.domain.plan import Origin
from engine.errors import DraftFailed, Invalid, Unavailable
from engine.llm.drafts import Checked, Said, in_words, parse, schema
from engine.llm.endpoint import COMPONENT, Endpoint, Message, ModelSettings, Reply, Usage, ignore
from engine.llm.prompts import Prompts, new_fence
from engine.ports import Planner, Services, Tools

BODY_IN_PROMPT = 4000
ANSWER_IN_PROMPT = 8000
HISTORY_IN_PROMPT = 20


def unredacted(text: str) -> str:
    """Leave a text as it is."""
    return text


@dataclass(frozen=True, slots=True)
class Means:
    """What the planner needs. `looks` decides what is looked at; `redact` cleans what is sent."""

    services: Services
    tools: Tools
    prompts: Prompts
    looks: Planner
    redact: Callable[[str], str] = unredacted
    on_usage: Callable[[Usage], None] = ignore


class OpenAIPlanner:
    """The `Planner` port. A model's words are data until they have passed every check."""

    name = "openai"

    def __init__(self, settings: ModelSettings, means: Means) -> None:
        self._settings = settings
        self._means = means
        self._endpoint = Endpoint(settings, means.on_usage)
        planner = f"{self.name}:{settings.model}"
        self._checked = Checked(means.services, means.tools, planner)

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        return await self._means.looks.readings(briefing)

    async def plan(self, briefing: Briefing) -> Outcome:
        """Ask, check, and ask again with what was wrong.

        Raises:
            Unavailable: the model does not answer, or not in time.
            DraftFailed: it refused, or nothing usable came after all rounds.
        """
        try:
            async with asyncio.timeout(self._settings.deadline_seconds):
                return await self._rounds(briefing)
        except TimeoutError:
            waited = f"{self._settings.deadline_seconds:g} s"
            text = f"The language model has no usable draft after {waited}."
            raise Unavailable(COMPONENT, text) from None

    async def _rounds(self, briefing: Briefing) -> Outcome:
        fence, form = new_fence(), schema(self._means.tools)
        messages = self._first(briefing, fence)
        rounds = self._settings.repair_rounds
        for left in range(rounds, -1, -1):
            reply = await self._endpoint.ask(messages, form)
            try:
                return self._checked.outcome(_said(reply), briefing)
            except Invalid as error:
                problem = error
            messages = [*messages[:2], *self._repair(reply.text, problem, fence, left)]
        raise DraftFailed(
            f"The language model's draft can't be used after {_tries(rounds + 1)}. "
            f"{_shortly(problem)}"
        )

    def _first(self, briefing: Briefing, fence: str) -> list[Message]:
        """The rules, and the request with all that is known about it."""
        prompts, draft = self._means.prompts, briefing.draft
        rules = prompts.render("plan", fence, tools=self._means.tools.catalogue())
        request = prompts.render(
            "request",
            fence,
            services=self._services(),
            evidence=[
                one.model_copy(update={"body": one.body[:BODY_IN_PROMPT]})
                for one in briefing.evidence
            ],
            problems=briefing.problems,
            labels=draft.labels,
            history=_before(briefing),
            current=briefing.current,
            from_alert=draft.origin is Origin.ALERT,
            requester=draft.requester_name,
            context=draft.context,
            text=draft.text,
        )
        return [self._message("system", rules), self._message("user", request)]

    def _repair(self, answer: str, error: Invalid, fence: str, left: int) -> list[Message]:
        text = self._means.prompts.render("repair", fence, errors=in_words(error), left=left)
        return [
            self._message("assistant", answer[:ANSWER_IN_PROMPT] or "(nothing)"),
            self._message("user", text),
        ]

    def _message(self, role: str, text: str) -> Message:
        return Message(role, self._means.redact(text))

    def _services(self) -> list[dict[str, Json]]:
        """Entries with every field that the prompt names."""
        empty: dict[str, Json] = {
            "aliases": [],
            "places": [],
            "depends_on": [],
            "gitops": None,
            "metrics": {},
        }
        services = self._means.services
        return [{**empty, **services.entry(name)} for name in services.names()]


def _tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"


def _said(reply: Reply) -> Said:
    if not reply.whole:
        raise Invalid("The answer was cut off. Be shorter.")
    return parse(reply.text)


def _before(briefing: Briefing) -> list[str]:
    """What was said before; the request itself is told apart."""
    ours = f": {briefing.draft.text}"
    said = [line for line in briefing.history if not line.endswith(ours)]
    return said[-HISTORY_IN_PROMPT:]


def _shortly(error: Invalid) -> str:
    """The first things that are wrong, in one line."""
    parts = [f"{name}: {text}" for name, text in list(error.fields.items())[:3]]
    return f"{error}{' ' if parts else ''}{'; '.join(parts)}"[:600]
