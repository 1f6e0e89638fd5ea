"""What a model may say: strictly parsed, bounded, and checked against what exists."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from engine.domain.call import Expectation
from engine.domain.context import ContextRef
from engine.domain.draft import Briefing, Outcome, OutcomeKind, Reading
from engine.domain.model import Json, Model, Name, Sentence
from engine.domain.plan import DraftStep, Proposal
from engine.errors import CarapulseError, Invalid
from engine.llm.belonging import Belonging
from engine.llm.strict import exactly, unprintable
from engine.llm.words import texts
from engine.ports import Services, Tools

LIMIT = 256_000
STEPS = 50
ERRORS = 20
# What tools are given, and compared with; its own checks refuse what is hidden in it.
VERBATIM = frozenset({"input", "value"})
# Turns text around, or hides it.
HIDDEN = re.compile(r"[\x80-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


class SaidStep(Model):
    """A step as a model says it."""

    tool: Name
    action: Name
    input: dict[str, Json]
    title: Annotated[str, Field(max_length=200)] = ""
    why: Sentence = ""
    expect: Expectation | None = None


class Said(Model):
    """The whole answer of a model. Empty fields are those that its kind does not need."""

    kind: Literal["plan", "answer", "question", "refuse", "remark"]
    text: Sentence = ""
    choices: Annotated[tuple[Name, ...], Field(max_length=4)] = ()
    title: Annotated[str, Field(max_length=200)] = ""
    why: Sentence = ""
    understood: Sentence = ""
    service: Annotated[str, Field(max_length=200)] = ""
    environment: Annotated[str, Field(max_length=200)] = ""
    cluster: Annotated[str, Field(max_length=200)] = ""
    steps: Annotated[tuple[SaidStep, ...], Field(max_length=STEPS)] = ()


def schema(tools: Tools, offered: Collection[tuple[str, str]]) -> dict[str, Json]:
    """The JSON Schema of `Said`, as strict structured outputs want it, for the offered actions."""
    text: Json = {"type": "string"}
    properties: dict[str, Json] = {
        "kind": {"type": "string", "enum": [kind.value for kind in OutcomeKind]},
        "text": text,
        "choices": {"type": "array", "items": text},
        **dict.fromkeys(("title", "why", "understood", "service", "environment", "cluster"), text),
        "steps": {"type": "array", "items": _offered(tools.schema(), offered)},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def parse(text: str) -> Said:
    """Read a model's answer. Raises `Invalid` with one entry per field."""
    if len(text.encode()) > LIMIT:
        raise Invalid(f"The answer is larger than {LIMIT // 1000} kB.")
    content = _read(text)
    try:
        return Said.model_validate(_worded(content))
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[:ERRORS]
        fields = {_path(item["loc"]): _mended(item["msg"]) for item in wrong}
        raise Invalid("The answer does not fit the schema.", fields) from None


def _worded(content: Any) -> Any:
    """The same with prose made plain; inputs stay as they are, for their fields to judge."""
    if isinstance(content, str):
        return HIDDEN.sub("", content).replace("{@", "{ @")
    if isinstance(content, list):
        return [_worded(one) for one in content]
    if isinstance(content, dict):
        return {name: one if name in VERBATIM else _worded(one) for name, one in content.items()}
    return content


def arguments(text: str) -> dict[str, Json]:
    """Read the arguments of a function call. Raises `Invalid`."""
    content = _read(text or "{}")
    if not isinstance(content, dict):
        raise Invalid("The arguments are no JSON object.")
    return {str(name): value for name, value in content.items() if value is not None}


def _read(text: str) -> Any:
    """JSON from a model. Raises `Invalid`."""
    if len(text.encode("utf-8", "replace")) > LIMIT:
        raise Invalid(f"The answer is larger than {LIMIT // 1000} kB.")
    try:
        content = exactly(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The answer is not JSON: {error}.") from error
    if unprintable(content):
        raise Invalid("The answer holds a control character.")
    return content


def _offered(form: dict[str, Json], offered: Collection[tuple[str, str]]) -> dict[str, Json]:
    """A step may only be one of the actions that were shown."""
    kinds = form.get("anyOf")
    if not isinstance(kinds, list):
        return form
    return {**form, "anyOf": [one for one in kinds if _action(one) in offered]}


def _action(form: Any) -> tuple[str, str]:
    properties = form["properties"]
    return properties["tool"]["enum"][0], properties["action"]["enum"][0]


@dataclass(frozen=True, slots=True)
class Checked:
    """Turns what a model said into an outcome, or says everything that is wrong with it."""

    services: Services
    tools: Tools

    def refuses(self, reading: Reading, briefing: Briefing) -> str:
        """Why a read that a model asks for is not made; empty when nothing speaks against it."""
        service = self.services.resolve(briefing.draft.context.service) or ""
        belonging = Belonging(self.services)
        wrong = [
            f"{name} {text}" for name, text in belonging.of_read(reading.input, service, briefing)
        ]
        return f"Not looked at: {'; '.join(wrong)}." if wrong else ""

    def outcome(self, said: Said, briefing: Briefing, *, by: str) -> Outcome:
        """`by` is who said it. Raises `Invalid` with one entry per field."""
        if said.kind != "plan":
            return self._words(said)
        fields: dict[str, str] = {}
        context = self._context(said, briefing, fields)
        if not said.title.strip():
            fields["title"] = "is empty"
        if not said.steps:
            fields["steps"] = "is empty; a plan has at least one step"
        steps = tuple(_step(step) for step in said.steps)
        for number, step in enumerate(steps, start=1):
            self._check(step, context, briefing, number, fields)
        if fields:
            raise Invalid("The plan can't be used.", dict(list(fields.items())[:ERRORS]))
        proposal = Proposal(
            title=said.title,
            why=said.why,
            context=context,
            steps=steps,
            planner=by,
            understood=said.understood,
        )
        return Outcome(kind=OutcomeKind.PLAN, proposal=proposal)

    def _words(self, said: Said) -> Outcome:
        kind = OutcomeKind(said.kind)
        if kind is not OutcomeKind.REMARK and not said.text.strip():
            raise Invalid("The answer says nothing.", {"text": "is empty"})
        if said.steps:
            raise Invalid("Only a plan has steps.", {"steps": f"must be empty for {said.kind}"})
        return Outcome(kind=kind, text=said.text, choices=said.choices)

    def _context(self, said: Said, briefing: Briefing, fields: dict[str, str]) -> ContextRef:
        """A target counts only as a key that resolves in the service graph."""
        base = briefing.current.context if briefing.current else briefing.draft.context
        service = self.services.resolve(said.service or base.service)
        if service is None:
            fields["service"] = f"is unknown; there are {', '.join(self.services.names()[:50])}"
            return base
        entry = self.services.entry(service)
        environment = said.environment or base.environment
        cluster = said.cluster or (base.cluster if environment == base.environment else "")
        place = "/".join(filter(None, (environment, cluster)))
        places = texts(entry.get("places"))
        if places and place not in places:
            fields["environment"] = f"{service} does not run in {place!r}; it runs in {places}"
        return base.model_copy(
            update={
                "service": service,
                "environment": environment,
                "cluster": cluster,
                "namespace": str(entry.get("namespace", "")),
            }
        )

    def _check(
        self,
        step: DraftStep,
        context: ContextRef,
        briefing: Briefing,
        number: int,
        fields: dict[str, str],
    ) -> None:
        at = f"steps.{number}"
        try:
            self.tools.freeze(step, context, number=number, mark=f"check-{number}")
        except Invalid as error:
            fields.update(_named(at, error))
        except CarapulseError as error:
            fields[at] = str(error)
        service = self.services.resolve(context.service) or ""
        for name, text in Belonging(self.services).of_write(step.input, service, briefing):
            fields[f"{at}.input.{name}"] = text


def in_words(error: Invalid) -> str:
    """All that is wrong, a line each."""
    return "\n".join([str(error), *(f"- {name}: {text}" for name, text in error.fields.items())])


def _named(at: str, error: Invalid) -> dict[str, str]:
    """What is wrong with a step, by field; an unknown tool is told with those that there are."""
    if not error.fields or {"tool", "action"} & set(error.fields):
        return {at: str(error)}
    return {f"{at}.{name}": text for name, text in error.fields.items()}


def _step(said: SaidStep) -> DraftStep:
    """Null is how strict structured outputs leave an input out."""
    given = {name: value for name, value in said.input.items() if value is not None}
    return DraftStep(**{**said.model_dump(), "input": given})


def _path(place: Sequence[str | int]) -> str:
    """Steps are counted from 1, as people do."""
    return ".".join(str(part + 1 if isinstance(part, int) else part) for part in place) or "answer"


def _mended(text: str) -> str:
    """Pydantic's words without Python's."""
    return (
        re.sub(r" or instance of \w+", "", text).replace("tuple", "list").replace("Tuple", "List")
    )
