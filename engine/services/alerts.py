"""Alerts become problems: one thread each, diagnosed at once, and told when it is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from engine.domain import alertmanager
from engine.domain.actor import ALERTS, Actor
from engine.domain.audit import AuditEvent
from engine.domain.context import ContextRef
from engine.domain.conversation import Conversation, Place, PostKind
from engine.domain.draft import Draft
from engine.domain.execution import ExecutionState
from engine.domain.grouping import KEYS, SERVICES, context, grouped, named, placed
from engine.domain.ids import ConversationId, DraftId, ProblemId, Tenant, new_id
from engine.domain.merging import earliest, ended, merged, opening
from engine.domain.model import Json
from engine.domain.plan import Origin, VersionState
from engine.domain.problem import Alert, AlertStatus, Problem
from engine.errors import Conflict
from engine.ports import Clock, Services, Store, Unit

REOPENS_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Alerts:
    """`channel` is where problems are shown; `keys` are the labels that make alerts one problem."""

    store: Store
    services: Services
    clock: Clock
    tenant: Tenant
    channel: str
    keys: Sequence[str] = KEYS
    timezone: str = "UTC"

    async def receive(self, *bodies: bytes) -> int:
        """Merge what webhook bodies tell, oldest first; how many problems they touched.

        Bodies that were handed over together cost one change of each problem. Repeating a call
        changes nothing. Raises `Invalid`.
        """
        return await self.take([alert for body in bodies for alert in alertmanager.parse(body)])

    async def take(self, alerts: Sequence[Alert]) -> int:
        """Merge these, oldest first; how many problems they touched."""
        groups = grouped(alerts, self.keys)
        for key, group in groups.items():
            async with self.store.begin() as unit:
                await self._merge(unit, key, group)
        return len(groups)

    async def acknowledge(self, actor: Actor, problem_id: ProblemId) -> str:
        """Somebody says that they look after it. The first one stays; returns what to answer."""
        async with self.store.begin() as unit:
            problem = await self._locked(unit, problem_id)
            if problem.acknowledged_by:
                return f"{problem.acknowledged_by} already looks after it."
            if problem.status is AlertStatus.RESOLVED:
                return "It is resolved already."
            changed = problem.model_copy(update={"acknowledged_by": actor.name})
            await self._save(unit, changed, actor, "problem.acknowledge")
            await note(unit, changed, f"{actor.mention} looks after this.")
        return "You look after it now."

    async def draft(self, actor: Actor, problem_id: ProblemId) -> None:
        """Somebody asks for a fix and is its requester. A second press changes nothing.

        Raises `Conflict` when there is a plan to be decided in the thread.
        """
        async with self.store.begin() as unit:
            problem = await self._locked(unit, problem_id)
            conversation = await thread(unit, problem)
            if reference := await open_plan(unit, conversation):
                raise Conflict(f"{reference} is in the thread and waits. Say there what to change.")
            for draft_id, _ in await unit.drafts.open_ids():
                if (await unit.drafts.get(draft_id)).conversation_id == conversation.id:
                    return
            await self._request(unit, problem, conversation, actor, Origin.PERSON)

    async def _locked(self, unit: Unit, problem_id: ProblemId) -> Problem:
        """The problem, with the lock under which alerts change it."""
        await unit.problems.lock_key((await unit.problems.get(problem_id)).key)
        return await unit.problems.get(problem_id)

    async def _merge(self, unit: Unit, key: str, alerts: list[Alert]) -> None:
        known = await unit.problems.lock_key(key)
        if known is not None and self._same(known, alerts):
            await self._update(unit, known, alerts)
        elif firing := opening(alerts):
            await self._open(unit, key, firing, known)

    def _same(self, known: Problem, alerts: list[Alert]) -> bool:
        """Whether these alerts belong to the known problem, open or only just over."""
        if known.status is AlertStatus.FIRING or not opening(merged(known.alerts, alerts)):
            return True
        return known.ended_at is not None and self.clock() - known.ended_at <= REOPENS_WITHIN

    async def _update(self, unit: Unit, known: Problem, alerts: list[Alert]) -> None:
        """Merge into the problem; it may end, or begin again, by that."""
        together = merged(known.alerts, alerts)
        if together == known.alerts:
            return
        changed = known.model_copy(update={"alerts": together})
        firing = opening(together)
        if not firing and known.status is AlertStatus.FIRING:
            await self._resolve(unit, changed)
        elif firing and known.status is AlertStatus.RESOLVED:
            await self._reopen(unit, changed, firing)
        else:
            await unit.problems.save(changed)
            await unit.posts.touch(changed.id)

    async def _open(
        self, unit: Unit, key: str, firing: Sequence[Alert], before: Problem | None
    ) -> None:
        first = firing[0]
        problem = Problem(
            id=ProblemId(new_id()),
            reference=await unit.problems.new_reference(),
            tenant=self.tenant,
            key=key,
            title=first.name,
            severity=named(first.labels, "severity"),
            context=self._context(first),
            status=AlertStatus.FIRING,
            alerts=merged((), firing),
            conversation_id=ConversationId(new_id()),
            started_at=self._started(firing, before),
        )
        post_id = await unit.posts.want(
            PostKind.PROBLEM, problem.id, Place(channel=self.channel, thread=""), urgent=True
        )
        session = await unit.sessions.of_channel(self.channel)
        # Approvers must be in it: a session of a few does not take the alerts of a channel.
        shared = session is not None and session.open and session.shared
        inside = session.id if session and shared else None
        opened = self._conversation(problem, post_id).model_copy(update={"session": inside})
        conversation = await unit.conversations.add(opened)
        await unit.problems.add(problem)
        await unit.audit.record(event(ALERTS, "problem.open", problem))
        await self._request(unit, problem, conversation, ALERTS, Origin.ALERT)

    async def _reopen(self, unit: Unit, problem: Problem, firing: Sequence[Alert]) -> None:
        changed = problem.model_copy(
            update={
                "status": AlertStatus.FIRING,
                "occurrences": problem.occurrences + 1,
                "started_at": self._started(firing, problem),
                "ended_at": None,
                "fixed_by": "",
                "acknowledged_by": "",
            }
        )
        await self._save(unit, changed, ALERTS, "problem.reopen")
        # An edit of the old message notifies nobody, so the note shows in the channel too.
        await note(unit, changed, await self._again(unit, changed), broadcast=True)
        conversation = await thread(unit, changed)
        if not await open_plan(unit, conversation):
            await self._request(unit, changed, conversation, ALERTS, Origin.ALERT)

    async def _resolve(self, unit: Unit, problem: Problem) -> None:
        now = self.clock()
        over = max(min(ended(problem.alerts) or now, now), problem.started_at)
        fixed_by = await fix(unit, problem)
        changed = problem.model_copy(
            update={"status": AlertStatus.RESOLVED, "ended_at": over, "fixed_by": fixed_by}
        )
        await self._save(unit, changed, ALERTS, "problem.resolve")
        credit = f" Plan {fixed_by} fixed it." if fixed_by else ""
        left = await undecided(unit, await thread(unit, changed))
        await note(unit, changed, f"{changed.title} is resolved.{credit}{left}")

    async def _save(self, unit: Unit, problem: Problem, actor: Actor, action: str) -> None:
        await unit.problems.save(problem)
        await unit.posts.touch(problem.id, urgent=True)
        await unit.audit.record(event(actor, action, problem))

    async def _again(self, unit: Unit, problem: Problem) -> str:
        """`Firing again, 2nd time today.`; only what is known to be of today counts."""
        midnight = (
            self.clock()
            .astimezone(ZoneInfo(self.timezone))
            .replace(hour=0, minute=0, second=0, microsecond=0)
        )
        begun_today = await unit.problems.count_since(problem.key, midnight)
        times, when = problem.occurrences, "in this thread"
        if begun_today:
            times, when = begun_today + problem.occurrences - 1, "today"
        return f"{problem.title} is firing again, {ordinal(times)} time {when}."

    def _started(self, firing: Sequence[Alert], before: Problem | None) -> datetime:
        """When it began; not in the future, and not before the last time was over."""
        started = min(earliest(firing), self.clock())
        return max(started, before.ended_at) if before and before.ended_at else started

    def _context(self, alert: Alert) -> ContextRef:
        found = context(alert.labels, self.tenant)
        for label in SERVICES:
            service = self.services.resolve(alert.labels.get(label, ""))
            if service is not None:
                return placed(found, service, self.services.entry(service))
        return found

    def _conversation(self, problem: Problem, post_id: str) -> Conversation:
        assert problem.conversation_id is not None
        return Conversation(
            id=problem.conversation_id,
            tenant=self.tenant,
            place=Place.under(self.channel, post_id),
            context=problem.context,
            problem_id=problem.id,
            created_at=self.clock(),
        )

    async def _request(
        self,
        unit: Unit,
        problem: Problem,
        conversation: Conversation,
        actor: Actor,
        origin: Origin,
    ) -> None:
        """Ask for a diagnosis and a plan, in words of ours: an annotation is never a request."""
        firing = opening(problem.alerts) or problem.alerts
        draft = Draft(
            id=DraftId(new_id()),
            tenant=self.tenant,
            conversation_id=conversation.id,
            requester=actor.id,
            requester_name=actor.name,
            origin=origin,
            text=words(problem),
            context=problem.context,
            labels={**firing[0].labels, "starts_at": problem.started_at.isoformat()},
            session=conversation.session,
            created_at=self.clock(),
        )
        await unit.drafts.add(draft)
        await unit.jobs.add("draft.start", {"draft_id": draft.id})


async def thread(unit: Unit, problem: Problem) -> Conversation:
    """Where the problem is talked about."""
    assert problem.conversation_id is not None
    return await unit.conversations.get(problem.conversation_id)


async def note(unit: Unit, problem: Problem, text: str, *, broadcast: bool = False) -> None:
    """Say something in the problem's thread; `broadcast` shows it in the channel as well."""
    place = (await thread(unit, problem)).place
    body: dict[str, Json] = {"text": text, **({"broadcast": True} if broadcast else {})}
    await unit.posts.want(PostKind.NOTE, problem.id, place, body=body)


async def open_plan(unit: Unit, conversation: Conversation) -> str:
    """The reference of the thread's plan while it is being decided or carried out."""
    if conversation.plan_id is None:
        return ""
    version = await unit.plans.current(conversation.plan_id)
    state = await unit.plans.state(version.plan_id, version.version)
    return "" if state.ended else version.reference


async def undecided(unit: Unit, conversation: Conversation) -> str:
    """What to know about a plan that still waits although its problem is over."""
    if conversation.plan_id is None:
        return ""
    version = await unit.plans.current(conversation.plan_id)
    if await unit.plans.state(version.plan_id, version.version) is not VersionState.WAITING:
        return ""
    return f" {version.reference} still waits for approval: check first whether it is needed."


async def fix(unit: Unit, problem: Problem) -> str:
    """The reference of the plan that succeeded while the problem lasted, if one did."""
    conversation = await thread(unit, problem)
    if conversation.plan_id is None:
        return ""
    version = await unit.plans.current(conversation.plan_id)
    execution = await unit.executions.of_version(version.plan_id, version.version)
    if execution is None or execution.state is not ExecutionState.SUCCEEDED or not version.writes:
        return ""
    began, ended_at = execution.started_at, execution.ended_at
    if began is None or ended_at is None or ended_at < problem.started_at:
        return ""
    return version.reference if problem.ended_at is None or began <= problem.ended_at else ""


async def credit(unit: Unit, conversation_id: ConversationId) -> None:
    """An execution in this thread succeeded: a problem that ended while it ran was its work.

    For whoever ends an execution, in the same transaction. Alerts often end before the plan's own
    check does, when nobody can know yet.
    """
    conversation = await unit.conversations.get(conversation_id)
    if conversation.problem_id is None:
        return
    problem = await unit.problems.get(conversation.problem_id)
    await unit.problems.lock_key(problem.key)
    problem = await unit.problems.get(problem.id)
    if problem.status is not AlertStatus.RESOLVED or problem.fixed_by:
        return
    if reference := await fix(unit, problem):
        await unit.problems.save(problem.model_copy(update={"fixed_by": reference}))
        await unit.posts.touch(problem.id)


def words(problem: Problem) -> str:
    """`fix checkout: CheckoutErrorRateHigh is firing`; a name that is a sentence is left out."""
    name = named({"alertname": problem.title}, "alertname")
    return f"fix {problem.context.service or 'this'}{name and f': {name} is firing'}"


def event(actor: Actor, action: str, problem: Problem) -> AuditEvent:
    """What the audit keeps of a change."""
    return AuditEvent(
        actor=actor,
        action=action,
        subject=problem.id,
        detail={"reference": problem.reference, "occurrences": problem.occurrences},
    )


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    ending = "th" if number % 100 // 10 == 1 else endings.get(number % 10, "th")
    return f"{number}{ending}"
