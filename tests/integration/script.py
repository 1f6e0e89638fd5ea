"""What is outside of a room: a tool that answers as told, a mind, and rules that can be away."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from engine.domain.call import Call, CallResult, Ending
from engine.domain.draft import Briefing, Outcome, Reading
from engine.domain.ids import Tenant
from engine.domain.policy import Question, Ruling
from engine.errors import Unavailable
from engine.policy.rego import RegoPolicy
from engine.ports import OnLine

REMOTE = "https://git.example/shop-config.git"
HEAD = "a" * 40
NEW = "b" * 40
UNDONE = "c" * 40
TENANT = Tenant("default")
DESK = """
tool: desk
title: Desk
transport: api
actions:
  look:
    title: Look
    effect: read
    request: {path: /level}
    outputs:
      level: {path: level}
  note:
    title: Note
    effect: write
    request: {method: POST, path: /note}
    outputs:
      id: {path: id}
  turn:
    title: "Turn to {to}"
    effect: write
    reversible: true
    input:
      to: {type: word}
    request: {method: POST, path: /turn, body: {to: "{to}"}}
    relies: {action: look, input: {}, outputs: [level]}
    rollback: {action: turn, input: {to: back}}
  sync:
    title: Sync
    effect: write
    idempotent: true
    request: {method: POST, path: /sync}
"""

Reply = CallResult | Callable[[], Awaitable[CallResult]] | Exception


def good(**outputs: str) -> CallResult:
    return CallResult(ending=Ending.SUCCEEDED, outputs=outputs, message="done")


def bad(message: str = "it broke") -> CallResult:
    return CallResult(ending=Ending.FAILED, message=message)


def unsure(message: str = "stopped while it ran") -> CallResult:
    return CallResult(ending=Ending.UNKNOWN, message=message)


WROTE = good(commit=NEW, previous_head=HEAD)
UNDID = good(commit=UNDONE, previous_head=NEW)
USUALLY = {
    "git.head": good(head=HEAD),
    "git.set_value": WROTE,
    "git.undo_commit": UNDID,
    "git.find_mark": good(found="no"),
    "desk.look": good(level="fine"),
}


@dataclass
class Script:
    """The `Runner` port: the replies of an action in order, the last one for ever."""

    replies: dict[str, list[Reply]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: int = 0

    def says(self, name: str, *replies: Reply) -> None:
        self.replies[name] = list(replies)

    async def run(self, call: Call, outputs: dict[str, str], on_line: OnLine) -> CallResult:
        self.calls.append(call.name)
        replies = self.replies.get(call.name, [good()])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, CallResult):
            await on_line(f"{call.name} ran")
            return reply
        self.started.set()
        try:
            return await reply()
        except asyncio.CancelledError:
            self.stopped += 1
            raise


@dataclass
class Slow:
    """A tool that ends when it is let."""

    result: CallResult
    let: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> CallResult:
        await self.let.wait()
        return self.result


async def for_ever() -> CallResult:
    """A tool that prints nothing and does not end."""
    await asyncio.Event().wait()
    raise AssertionError


@dataclass
class Mind:
    """The `Planner` port: what it wants to read and what it answers."""

    wants: list[Reading] = field(default_factory=list)
    answers: list[Outcome] = field(default_factory=list)
    asked: int = 0
    seen: list[Briefing] = field(default_factory=list)
    name: str = "scripted"

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        return self.wants

    async def plan(self, briefing: Briefing) -> Outcome:
        self.asked += 1
        self.seen.append(briefing)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass
class Rules:
    """The real policy, that can be away."""

    rego: RegoPolicy
    away: bool = False

    async def ask(self, question: Question) -> Ruling:
        if self.away:
            raise Unavailable("policy", "The policy does not answer.")
        return await self.rego.ask(question)
