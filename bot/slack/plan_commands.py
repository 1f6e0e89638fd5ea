"""`/carapulse plan`, `approve`, `reject`, `status`, `logs` and `audit`, by short references."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.blocks.audit import event
from bot.blocks.text import quoted
from bot.slack.commands import Asked, Subcommand
from bot.slack.door import Door
from bot.slack.services import Approvals, Conversations, Plans
from engine.domain.actor import Surface
from engine.domain.approval import Verdict
from engine.domain.execution import ExecutionState, LogLine
from engine.domain.ids import ExecutionId, PlanId
from engine.domain.plan import VersionState
from engine.domain.views import PlanView
from engine.errors import Conflict, Invalid
from engine.ports import Store

NOTHING = "Nothing waits for approval and nothing runs. `/carapulse help` tells how to ask."
REFERENCE = re.compile(r"^([PX])-?(\d{1,10})$", re.IGNORECASE)
VERSION = re.compile(r"^v?(\d{1,6})$", re.IGNORECASE)
MOST = 10
LINES = 20
EVENTS = 20


@dataclass(frozen=True, slots=True)
class PlanCommands:
    """What can be done with plans and executions without their card at hand."""

    store: Store
    views: Plans
    approvals: Approvals
    conversations: Conversations
    door: Door

    def table(self) -> Sequence[Subcommand]:
        """The rows, as `help` lists them."""
        return (
            Subcommand("plan WORDS", "drafts a plan, in a new thread here", self.plan),
            Subcommand("status [P-1042]", "lists what waits and what runs", self.status),
            Subcommand("approve P-1042 [v2]", "approves what its card shows", self.approve),
            Subcommand("reject P-1042 REASON", "ends it; everybody reads why", self.reject),
            Subcommand("logs X-311", "shows the last lines of an execution", self.logs),
            Subcommand("audit P-1042", "shows who decided and did what", self.audit),
        )

    async def plan(self, asked: Asked) -> str:
        """A request in a thread of its own, which everybody in the channel can follow."""
        if not asked.words:
            raise Invalid("Say what should be true afterwards: `/carapulse plan WORDS`.")
        if why := await self.door.closed(asked.who.channel):
            return why
        await self.conversations.begin(
            asked.who.channel, actor=asked.actor, text=asked.words, ts=asked.once
        )
        return ""

    async def status(self, asked: Asked) -> str:
        """Each open plan in one line, or one plan in full."""
        if asked.words:
            view = await self._view(asked.words)
            await self.door.whispers.about(asked.who, view.version.plan_id)
            return ""
        async with self.store.begin() as unit:
            refs = await unit.plans.open_refs()
        plan_ids = list(dict.fromkeys(ref.plan_id for ref in refs))
        lines = [told(await self.views.plan(plan_id)) for plan_id in plan_ids[:MOST]]
        if len(plan_ids) > MOST:
            lines.append(f"and {len(plan_ids) - MOST} more")
        return "\n".join(lines) or NOTHING

    async def approve(self, asked: Asked) -> str:
        """The same gate as the button; of several versions the one that is meant is named."""
        reference, _, rest = asked.words.partition(" ")
        view = await self._view(reference)
        return await self._decide(asked, view, Verdict.APPROVE, rest, "")

    async def reject(self, asked: Asked) -> str:
        """A reason is asked for, because it steers the next draft."""
        reference, _, rest = asked.words.partition(" ")
        view = await self._view(reference)
        first, _, others = rest.strip().partition(" ")
        named = VERSION.match(first) is not None
        reason = others.strip() if named else rest.strip()
        if not reason:
            raise Invalid(
                f"Say why: `/carapulse reject {view.version.reference} REASON`. Everybody in the "
                "thread reads it."
            )
        return await self._decide(asked, view, Verdict.REJECT, first if named else "", reason)

    async def logs(self, asked: Asked) -> str:
        """The end of the log; the whole of it is a file in the thread when it is over."""
        execution_id = await self._execution(asked.words)
        async with self.store.begin() as unit:
            execution = await unit.executions.get(execution_id)
            lines = await unit.executions.last_lines(execution_id, LINES)
            total = await unit.executions.count_lines(execution_id)
        head = f"*{execution.reference}* {execution.state.value.replace('_', ' ')}"
        if total > len(lines):
            head += f", last {len(lines)} of {total} lines"
        return "\n".join([head, *(line_told(each) for each in lines)] if lines else [head])

    async def audit(self, asked: Asked) -> str:
        """Who did what, oldest first."""
        view = await self._view(asked.words)
        subjects = [str(view.version.plan_id)]
        subjects += [str(view.execution.id)] if view.execution else []
        async with self.store.begin() as unit:
            events = [each for one in subjects for each in await unit.audit.of(one)]
        events.sort(key=lambda each: each.at.timestamp() if each.at else 0.0)
        rows = [event(each) for each in events[-EVENTS:]]
        head = f"*{view.version.reference}* {quoted(view.version.title)}"
        if len(events) > EVENTS:
            head += f", last {EVENTS} of {len(events)} events"
        return "\n".join([head, *rows])

    async def _decide(
        self, asked: Asked, view: PlanView, verdict: Verdict, version: str, reason: str
    ) -> str:
        current = view.version.version
        named = VERSION.match(version.strip())
        if version.strip() and named is None:
            raise Invalid(f"{quoted(version, 40)} is no version. Write v{current}.")
        if named is None and current > 1 and view.state.open:  # what is over is told so
            reference = view.version.reference
            raise Conflict(
                f"{reference} is at v{current}. Look at its card, then write "
                f"`/carapulse {verdict.value} {reference} v{current}`."
            )
        decided = await self.approvals.decide(
            asked.actor,
            view.version.plan_id,
            int(named.group(1)) if named else current,
            verdict,
            surface=Surface.COMMAND,
            reason=reason,
        )
        return decided.text

    async def _view(self, words: str) -> PlanView:
        """The plan that a reference names, also by its execution."""
        letter, reference = read(words)
        async with self.store.begin() as unit:
            if letter == "P":
                plan_id: PlanId = await unit.plans.find(reference)
            else:
                execution_id = await unit.executions.find(reference)
                plan_id = (await unit.executions.get(execution_id)).plan_id
        return await self.views.plan(plan_id)

    async def _execution(self, words: str) -> ExecutionId:
        letter, reference = read(words)
        if letter == "X":
            async with self.store.begin() as unit:
                return await unit.executions.find(reference)
        view = await self._view(reference)
        if view.execution is None:
            raise Invalid(f"{reference} has not run, so it has no log.")
        return view.execution.id


def read(words: str) -> tuple[str, str]:
    """`p1042` is `P-1042`."""
    found = REFERENCE.match(words.strip())
    if found is None:
        raise Invalid(
            "Name a plan or an execution by its reference, such as `P-1042` or `X-311`; "
            "`/carapulse status` lists the open ones."
        )
    letter = found.group(1).upper()
    return letter, f"{letter}-{found.group(2)}"


def told(view: PlanView) -> str:
    """`P-1042 v2 waiting: Set checkout pool_size to 20`."""
    version = view.version
    shown = standing(view)
    return f"{version.reference} v{version.version} *{shown}*: {quoted(version.title)}"


def standing(view: PlanView) -> str:
    """The state in a few words: for whom or for what it waits is not the same."""
    if view.state is VersionState.WAITING:
        return "waiting for approval"
    if view.execution is None:
        return view.state.value
    if view.execution.state is ExecutionState.WAITING and view.execution.started_at is None:
        return "approved, waiting to start"
    return view.execution.state.value.replace("_", " ")


def line_told(entry: LogLine) -> str:
    """`14:09:31 [1] git commit`."""
    return f"{{@time:{int(entry.at.timestamp())}}} [{entry.step}] {quoted(entry.text, 200)}"
