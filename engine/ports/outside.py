"""What the services need beside the store, as protocols; adapters say what they run on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from engine.domain.actor import Account, Actor
from engine.domain.approval import Signed, Statement
from engine.domain.call import Call, CallResult
from engine.domain.context import ContextRef
from engine.domain.draft import Briefing, Outcome, Reading
from engine.domain.execution import (
    LogLine,
)
from engine.domain.form import InputField
from engine.domain.ids import (
    ExecutionId,
    PersonId,
)
from engine.domain.knowledge import Parsed
from engine.domain.model import Json
from engine.domain.override import Override, SignedOverride
from engine.domain.passage import Passage
from engine.domain.plan import DraftStep, Relied, Step
from engine.domain.policy import Question, Ruling
from engine.domain.preview import Pin, Preview
from engine.domain.problem import Alert
from engine.domain.spending import Hold, Spent


class OnLine(Protocol):
    """Hears each redacted line of a call.

    What is not `shown` is for the complete output alone; what is not `filed` is there already, at
    its full length.
    """

    async def __call__(self, text: str, /, *, shown: bool = True, filed: bool = True) -> None: ...


class Clock(Protocol):
    """The time now, in UTC."""

    def __call__(self) -> datetime: ...


class Policy(Protocol):
    """Who may do what."""

    async def ask(self, question: Question) -> Ruling:
        """Raises `Unavailable` instead of guessing; anything but a known answer is a deny."""
        ...


class Signer(Protocol):
    """Holds the private key; only the gate's process has one."""

    @property
    def key_id(self) -> str: ...
    def sign(self, statement: Statement) -> Signed: ...
    def override(self, statement: Override) -> SignedOverride: ...


class Verifier(Protocol):
    """Holds public keys only."""

    def verify(self, signed: Signed) -> bool: ...
    def overrode(self, signed: SignedOverride) -> bool: ...


class Directory(Protocol):
    """Who people are."""

    async def person(self, account: Account) -> Actor | None:
        """The person behind a chat account; None when unknown. An e-mail alone is no identity."""
        ...

    async def by_id(self, person_id: PersonId) -> Actor | None: ...
    async def members(self, group: str) -> list[Actor]: ...
    async def mention(self, group: str) -> str:
        """How the chat surface names the group; its plain name where it has none."""
        ...


class Tools(Protocol):
    """The tool definitions: what can be done, and how it is called."""

    def freeze(self, step: DraftStep, context: ContextRef, *, number: int, mark: str) -> Step:
        """Check a drafted step against its definition and render everything it would run.

        `mark` is a short constant of the plan version and step, which a write leaves behind for
        its probe. Raises `Invalid` with one entry per field.
        """
        ...

    def read_call(self, reading: Reading, context: ContextRef) -> Call:
        """Render a read. Raises `Invalid`; a write is refused with `NotAllowed`."""
        ...

    def fields(self, tool: str, action: str) -> tuple[InputField, ...]:
        """What a person may fill in for this action; what we fill in ourselves is left out."""
        ...

    def preview(self, call: Call) -> Preview | None:
        """The read that shows what a write would change; None where its definition has none."""
        ...

    def check(self, call: Call, number: int) -> DraftStep | None:
        """The look after a write, which is step `number`; None where its definition has none."""
        ...

    def pins(self, step: DraftStep) -> dict[str, Pin]:
        """The reads that the step's pinned values come from, by input."""
        ...

    def relies(self, step: DraftStep, context: ContextRef) -> Relied | None:
        """The look at what a write relies on, with what is known of it; None where none is."""
        ...

    def rerender(self, call: Call, definition: str) -> Call:
        """Render the call again from its stored definition (a body kept by `Definitions`)."""
        ...

    def definition(self, digest: str) -> str:
        """The body of a definition that is loaded now, by its digest."""
        ...

    def schema(self) -> dict[str, Json]:
        """JSON Schema of the steps that a model may propose (`anyOf` over actions)."""
        ...

    def catalogue(self, *, reads_only: bool = False) -> list[dict[str, Json]]:
        """Name, title, effect and input schema of each action, for prompts and listings."""
        ...


class Runner(Protocol):
    """Runs calls: the sandbox, or HTTP for tools whose transport is their API."""

    async def run(self, call: Call, outputs: dict[str, str], on_line: OnLine) -> CallResult:
        """Run one call. `outputs` resolve its references. Never raises for a tool's failure.

        Cancelling kills the tool with all its children. A write stopped by timeout or cancel
        ends unknown.
        """
        ...


class Planner(Protocol):
    """Turns a request into an outcome; it proposes and never runs anything."""

    name: str

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        """What it wants to be looked at before it answers (read-only)."""
        ...

    async def plan(self, briefing: Briefing) -> Outcome:
        """Raises `DraftFailed` or `Unavailable`."""
        ...


class Services(Protocol):
    """The service graph, from a file until there are collectors."""

    def resolve(self, name: str) -> str | None:
        """The service that a name or alias stands for."""
        ...

    def entry(self, service: str) -> dict[str, Json]: ...
    def names(self) -> list[str]: ...
    def dependants(self, service: str) -> list[str]: ...


class Knowledge(Protocol):
    """What people wrote down: runbooks, playbooks and memory."""

    async def passages(
        self,
        query: str,
        *,
        service: str | None = None,
        environment: str | None = None,
        session: str | None = None,
        limit: int = 5,
    ) -> tuple[Passage, ...]:
        """The best first. Memory of another session, or what is not visible, is never among them.

        Raises `Unavailable`.
        """
        ...


class Commands(Protocol):
    """Command lines as people write them down, read as actions of the tools."""

    def parse(self, line: str, context: ContextRef) -> Parsed:
        """Never raises for what is written in the line."""
        ...


class Spending(Protocol):
    """What language models may cost; kept where a restart does not forget it."""

    async def reserve(self, person: str, spent: Spent) -> Hold:
        """Set aside the most that a question can cost; the hold says why where it is too much."""
        ...

    async def settle(self, hold: Hold, spent: Spent) -> None:
        """Put what the question did cost in place of what was set aside."""
        ...


class Feed(Protocol):
    """The live feed. Losing it loses nothing."""

    async def publish(self, execution_id: ExecutionId, lines: Sequence[LogLine]) -> None: ...


class Clues(Protocol):
    """Raw alerts of a webhook body, cleaned."""

    def __call__(self, body: bytes) -> list[Alert]: ...
