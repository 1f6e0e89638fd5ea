"""Plans that wait for approval have an issue, and what happens to them is said there in order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from engine.domain.conversation import Post, PostKind
from engine.domain.execution import Execution, ExecutionState
from engine.domain.ids import PlanId
from engine.domain.issue import Issue, Note, NoteKind, NoteRow, Shown, Standing, Told
from engine.domain.plan import PlanVersion, VersionState
from engine.errors import Invalid, NotFound, Tampered, Unavailable
from engine.ports import Clock, Store, Unit
from engine.ports.tracking import Leases, Tracker
from engine.services.issue_words import IssueWords

NAME = "linear"
EVERY, HELD = 1.0, 30.0
AT_ONCE = 200
# The card is waited for so long, that the issue can lead to it.
LINKED_WITHIN = timedelta(seconds=10)
STANDINGS = {
    VersionState.WAITING: Standing.WAITING,
    VersionState.APPROVED: Standing.APPROVED,
    VersionState.EXECUTING: Standing.APPROVED,
    VersionState.EXECUTED: Standing.APPROVED,
    VersionState.REJECTED: Standing.REJECTED,
    VersionState.WITHDRAWN: Standing.REJECTED,
    VersionState.EXPIRED: Standing.REJECTED,
}
# Many states of an execution pass within a second; these are worth words.
TOLD = frozenset(ExecutionState) - {
    ExecutionState.PENDING,
    ExecutionState.WAITING,
    ExecutionState.PAUSED,
}
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Issues:
    """Notes what rows tell, and does what is noted; losing a process loses and repeats nothing.

    `link` leads to a card. `look` finds out what people did in an issue; `poll` is how often, in
    seconds, where no webhook reaches us (0: never).
    """

    store: Store
    tracker: Tracker
    words: IssueWords
    leases: Leases
    holder: str
    clock: Clock
    link: Callable[[Post], str]
    look: Callable[[str], Awaitable[str]]
    poll: float
    _changed: dict[str, datetime] = field(default_factory=dict)
    _polled: datetime | None = None

    async def run(self) -> None:
        """For ever; what is away is waited for, and the rest of the world goes on."""
        while True:
            try:
                await self.once()
            except Unavailable as error:
                log.warning("issues wait", action="issues.wait", said=str(error))
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        """Everything that is to be done now, by one process at a time."""
        if await self.leases.lease(NAME, self.holder, HELD) is None:
            return
        await self.note()
        await self.send()
        await self.ask()

    async def note(self) -> None:
        """Note what changed since it was last looked at; one plan never holds up the others."""
        async with self.store.begin() as unit:
            stale = await unit.issues.stale(AT_ONCE)
        for plan_id, change in stale:
            try:
                async with self.store.begin() as unit:
                    await self._note(unit, plan_id, change)
            except (NotFound, Tampered) as error:
                log.warning("not told", action="issues.not_told", plan_id=plan_id, said=str(error))

    async def send(self) -> None:
        """Do what is noted, in order for each issue. Raises `Unavailable`; the rest waits."""
        while True:
            async with self.store.begin() as unit:
                left = await unit.issues.left(AT_ONCE)
            if not left:
                return
            for row in left:
                if await self.leases.lease(NAME, self.holder, HELD) is None:
                    return
                await self._send(row)

    async def ask(self) -> None:
        """Look at issues that changed, where their changes don't come to us."""
        now = self.clock()
        pause = timedelta(seconds=self.poll)
        if not self.poll or (self._polled and now - self._polled < pause):
            return
        self._polled = now
        async with self.store.begin() as unit:
            ids = await unit.issues.open_ids(100)
        for issue_id, at in (await self.tracker.updated(ids)).items():
            if self._changed.get(issue_id) == at:
                continue
            try:
                await self.look(issue_id)
            except (NotFound, Tampered) as error:
                log.warning("not decided", action="issues.not_decided", said=str(error))
            self._changed[issue_id] = at
        for gone in self._changed.keys() - set(ids):
            del self._changed[gone]

    async def _note(self, unit: Unit, plan_id: PlanId, change: int) -> None:
        version = await unit.plans.current(plan_id)
        state = await unit.plans.state(plan_id, version.version)
        post = await unit.posts.of(PostKind.PLAN, plan_id)
        known = await unit.issues.of_plan(plan_id)
        if known is None and not self._due(version, state, post):
            return
        issue = await unit.issues.claim(plan_id, str(uuid4()))
        link = self.link(post) if post else ""
        notes, told = await self._news(unit, issue, version, state, link)
        await unit.issues.note(plan_id, *notes)
        await unit.issues.told(plan_id, told, seen=change, closed=state.ended)

    def _due(self, version: PlanVersion, state: VersionState, post: Post | None) -> bool:
        """Whether people are asked, and its card is shown or late."""
        shown = post is not None and post.ts != ""
        late = self.clock() - version.created_at > LINKED_WITHIN
        return state is VersionState.WAITING and version.requirements.people > 0 and (shown or late)

    async def _news(
        self, unit: Unit, issue: Issue, version: PlanVersion, state: VersionState, link: str
    ) -> tuple[Sequence[Note], Told]:
        """What has to be done in the issue, in order."""
        told, number = issue.told, version.version
        notes: list[Note] = []
        if told.version < number:
            filing = await self.words.filing(version, link)
            kind = NoteKind.REWRITE if told.version else NoteKind.OPEN
            notes.append(Note(kind=kind, filing=filing))
            if told.version:
                notes.append(said(self.words.changed(version)))
            told = told.model_copy(update={"version": number, "state": "", "execution": ""})
        votes = await unit.approvals.of(issue.plan_id, number)
        new = [each for each in votes if each.statement.nonce not in told.votes]
        notes += [said(self.words.voted(each)) for each in new if is_told(each.statement.surface)]
        if told.state != state.value and state is not VersionState.WAITING:
            reason = await unit.plans.state_reason(issue.plan_id, number)
            notes += stood(self.words.stood(version, state, reason), state)
        execution = await unit.executions.of_version(issue.plan_id, number)
        notes += self._run(execution, told)
        nonces = tuple(each.statement.nonce for each in votes)
        at = execution.state.value if execution else ""
        return notes, told.model_copy(
            update={"state": state.value, "execution": at, "votes": nonces}
        )

    def _run(self, execution: Execution | None, told: Told) -> list[Note]:
        if execution is None or execution.state not in TOLD:
            return []
        if execution.state.value == told.execution:
            return []
        return [said(self.words.ran(execution))]

    async def _send(self, row: NoteRow) -> None:
        """One note. A refusal is kept and the next one is done: trying again would not mend it."""
        async with self.store.begin() as unit:
            await unit.issues.begin(row.id)
        shown, refused = None, ""
        try:
            shown = await self._do(row)
        except (Invalid, NotFound) as error:
            refused = str(error)
            log.warning("refused", action="issues.refused", plan_id=row.plan_id, said=refused)
        async with self.store.begin() as unit:
            await unit.issues.done(row, shown=shown, refused=refused)

    async def _do(self, row: NoteRow) -> Shown | None:
        note, again = row.note, row.attempts > 0
        if note.kind is NoteKind.OPEN and note.filing:
            return await self.tracker.open(row.issue_id, note.filing, again=again)
        if note.kind is NoteKind.REWRITE and note.filing:
            return await self.tracker.rewrite(row.issue_id, note.filing)
        if note.kind is NoteKind.COMMENT:
            await self.tracker.comment(row.issue_id, row.remote_id, note.text, again=again)
        elif note.standing:
            await self.tracker.move(row.issue_id, note.standing)
        return None


def said(text: str) -> Note:
    """A comment."""
    return Note(kind=NoteKind.COMMENT, text=text)


def moved(state: VersionState) -> Note:
    """The issue stands where its plan does."""
    return Note(kind=NoteKind.MOVE, standing=STANDINGS.get(state, Standing.REJECTED))


def stood(text: str, state: VersionState) -> list[Note]:
    """What a new state asks for: words, and another place in the workflow."""
    return [*([said(text)] if text else []), moved(state)]


def is_told(surface: str) -> bool:
    """What needs no person is nobody's word."""
    return surface != "auto"
