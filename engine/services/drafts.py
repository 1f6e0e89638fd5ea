"""What the worker does with a request: look, ask the planner, and act on its answer."""

import json
from dataclasses import dataclass

from engine.crossing import crossing
from engine.domain.actor import Actor, Surface
from engine.domain.artifact import Source
from engine.domain.call import Call, CallResult, Ending
from engine.domain.conversation import Conversation, PostKind
from engine.domain.draft import (
    Briefing,
    Draft,
    DraftState,
    Evidence,
    How,
    Outcome,
    OutcomeKind,
    Reading,
)
from engine.domain.expectation import told
from engine.domain.ids import DraftId, EvidenceId, PersonId, new_id
from engine.domain.plan import Origin, PlanVersion, Proposal, VersionState
from engine.domain.policy import Deed
from engine.domain.questions import Limits, to_read
from engine.domain.quorum import quorum
from engine.errors import CarapulseError, Conflict, NotAllowed, Unavailable
from engine.ports import Clock, Directory, Knowledge, Planner, Policy, Runner, Store, Tools, Unit
from engine.services.outputs import Outputs
from engine.services.plans import Plans
from engine.services.previews import Previews, ask_preview, moved_on
from engine.services.sessions import told_in

# More than planners ask for by their own limits; these hold whatever a planner does.
ROUNDS = 16
READS_AT_MOST = 40
BODY_AT_MOST = 20_000
PASSAGES = 8
NO_CHANGE = (
    "“{}” does not tell me what to change. Say in the thread what should be different, or ask anew."
)


@dataclass(frozen=True, slots=True)
class Drafts:
    """Each method may be repeated after a crash and changes nothing twice."""

    store: Store
    tools: Tools
    runner: Runner
    planner: Planner
    policy: Policy
    directory: Directory
    plans: Plans
    previews: Previews
    clock: Clock
    limits: Limits
    knowledge: Knowledge
    outputs: Outputs

    async def look(self, draft_id: DraftId) -> None:
        """Make the reads that the planner wants, in rounds; each becomes evidence."""
        for _ in range(ROUNDS):
            briefing = await self.briefing(draft_id)
            if briefing.draft.state is not DraftState.OPEN or not briefing.draft.how.planned:
                return
            if briefing.draft.based_on is None:
                await self._show(briefing.draft)
            wanted = [
                reading
                for reading in await self.planner.readings(briefing)
                if not seen(reading, briefing.evidence)
            ]
            left = READS_AT_MOST - len(briefing.evidence)
            if not wanted or left <= 0:
                return
            for at, reading in enumerate(wanted[:left], start=len(briefing.evidence) + 1):
                await self._read(briefing.draft, reading, at)

    async def propose(self, draft_id: DraftId) -> None:
        """Ask the planner, keep what it says, and act on it."""
        briefing = await self.briefing(draft_id)
        draft = briefing.draft
        if draft.state is not DraftState.OPEN:
            return
        try:
            outcome = await self._outcome(briefing)
            if outcome.kind is OutcomeKind.PLAN:
                await self._plan(draft, outcome, briefing)
            else:
                await self._answer(draft, outcome)
        except Unavailable:
            raise
        except CarapulseError as error:
            await self._fail(draft, str(error))

    async def _outcome(self, briefing: Briefing) -> Outcome:
        """The planner's answer; kept, so that it is asked once however often this is repeated."""
        async with self.store.begin() as unit:
            kept = await unit.drafts.outcome(briefing.draft.id)
        if kept is not None:
            return kept
        outcome = await self.planner.plan(briefing)
        crossing("K03")
        await self._keep(briefing.draft, outcome)
        return outcome

    async def confirm(self, actor: Actor, draft_id: DraftId) -> None:
        """The speaker accepts what the change costs; compare-and-set on the version asked about."""
        async with self.store.begin() as unit:
            draft = await unit.drafts.get(draft_id)
            outcome = await unit.drafts.outcome(draft_id)
            evidence = await unit.drafts.evidence(draft_id)
        mine(actor, draft)
        if draft.state is not DraftState.ASKING or outcome is None or outcome.proposal is None:
            raise NotAllowed("This change has already been settled.")
        try:
            made = await self.plans.propose(draft, outcome.proposal, evidence)
        except Conflict:
            async with self.store.begin() as unit:
                await unit.drafts.move(draft_id, frm=DraftState.ASKING, to=DraftState.FAILED)
            raise
        if made is None:
            raise NotAllowed("This change has already been settled.")

    async def drop(self, actor: Actor, draft_id: DraftId) -> None:
        """The speaker leaves the version as it is."""
        async with self.store.begin() as unit:
            draft = await unit.drafts.get(draft_id)
            mine(actor, draft)
            if not await unit.drafts.move(draft_id, frm=DraftState.ASKING, to=DraftState.DROPPED):
                raise NotAllowed("This change has already been settled.")

    async def briefing(self, draft_id: DraftId) -> Briefing:
        """All that the planner may know about a request."""
        async with self.store.begin() as unit:
            draft = await unit.drafts.get(draft_id)
            evidence = await unit.drafts.evidence(draft_id)
            turns = await unit.conversations.turns(draft.conversation_id)
            current, problems = await self._current(unit, draft)
            state = await unit.plans.state(current.plan_id, current.version) if current else None
            session = await told_in(unit, self.directory, draft)
        return Briefing(
            draft=draft,
            evidence=tuple(evidence),
            current=current,
            state=state,
            history=tuple(f"{turn.person_name}: {turn.text}" for turn in turns),
            problems=problems,
            knowledge=await self.knowledge.passages(
                draft.text,
                service=draft.context.service or None,
                environment=draft.context.environment or None,
                session=session,
                limit=PASSAGES,
            ),
        )

    async def _current(
        self, unit: Unit, draft: Draft
    ) -> tuple[PlanVersion | None, tuple[str, ...]]:
        conversation = await unit.conversations.get(draft.conversation_id)
        problems: tuple[str, ...] = ()
        if conversation.problem_id:
            problems = ((await unit.problems.get(conversation.problem_id)).title,)
        if draft.plan_id is None:
            return None, problems
        return await unit.plans.current(draft.plan_id), problems

    async def _show(self, draft: Draft) -> None:
        async with self.store.begin() as unit:
            conversation = await unit.conversations.get(draft.conversation_id)
            # Above the plan that it leads to, and somebody waits for it.
            await unit.posts.want(PostKind.FINDINGS, draft.id, conversation.place, urgent=True)

    async def _read(self, draft: Draft, reading: Reading, number: int) -> None:
        """One read under the policy; a refusal or failure is evidence too."""
        try:
            if reading.refused:
                raise NotAllowed(reading.refused)
            place = reading.context or draft.context
            call = self.tools.read_call(reading, place)
            ruling = await self.policy.ask(
                to_read(
                    await self.plans.actor(draft),
                    place,
                    limits=self.limits,
                    now=self.clock(),
                    call=call,
                    deed=Deed.TOOL_READ,
                )
            )
            if not ruling.allows:
                raise NotAllowed(" ".join(ruling.reasons) or "The policy does not allow this read.")
            lines: list[str] = []

            result = await self._looked(call, Source(draft_id=draft.id, number=number), lines)
            ok, facts = result.ending is Ending.SUCCEEDED, result.outputs
            summary = told(result.message, reading.unit)
            body = "\n".join(lines)[:BODY_AT_MOST] or result.tail[:BODY_AT_MOST]
        except Unavailable:
            raise
        except CarapulseError as error:
            ok, facts, summary, body = False, {}, str(error), ""
        evidence = Evidence(
            id=EvidenceId(new_id()),
            draft_id=draft.id,
            number=number,
            tool=reading.tool,
            action=reading.action,
            title=reading.title or f"{reading.tool} {reading.action}",
            summary=summary,
            facts=facts,
            body=body,
            ok=ok,
            at=self.clock(),
            name=reading.name,
            input=reading.input,
            unit=reading.unit,
        )
        async with self.store.begin() as unit:
            await unit.drafts.add_evidence(evidence)
            await unit.posts.touch(draft.id)

    async def _looked(self, call: Call, source: Source, lines: list[str]) -> CallResult:
        """What the look says; its complete output goes into a file."""
        async with self.outputs.of(source) as output:

            async def on_line(line: str, *, shown: bool = True, filed: bool = True) -> None:
                if filed:
                    await output.line(line)
                if shown and len(lines) < BODY_AT_MOST:
                    lines.append(line[:BODY_AT_MOST])

            return await self.runner.run(call, {}, on_line)

    async def _keep(self, draft: Draft, outcome: Outcome) -> None:
        async with self.store.begin() as unit:
            await unit.drafts.keep_outcome(draft.id, outcome)
            await unit.posts.touch(draft.id)

    async def _plan(self, draft: Draft, outcome: Outcome, briefing: Briefing) -> None:
        proposal = await self._completed(draft, outcome, briefing.state)
        cost = await self._cost(draft, briefing.current)
        if cost:
            await self._ask(draft, cost)
            return
        await self.plans.propose(draft, proposal, list(briefing.evidence))
        async with self.store.begin() as unit:
            await unit.posts.touch(draft.id, urgent=True)

    async def _completed(
        self, draft: Draft, outcome: Outcome, state: VersionState | None
    ) -> Proposal:
        """The proposal with what only reads can tell; kept, for whoever has to confirm it.

        What follows a version that has started, or ended, or was edited by hand, is pinned to what
        is there now.
        """
        assert outcome.proposal is not None
        proposal = outcome.proposal
        over = state is not None and not state.open
        if over or draft.how in (How.AGAIN, How.GIVEN):
            anew = over or draft.how is How.AGAIN or draft.based_on is not None
            proposal = await self.previews.pinned(proposal, anew=anew)
        proposal = await self.previews.relied(proposal)
        warnings = await self.previews.warnings(proposal, every=draft.how is How.AGAIN)
        if draft.how in (How.AGAIN, How.GIVEN):
            warnings += moved_on(outcome.proposal, proposal)
        proposal = proposal.model_copy(update={"warnings": warnings})
        if proposal != outcome.proposal:
            await self._keep(draft, outcome.model_copy(update={"proposal": proposal}))
        return proposal

    async def _cost(self, draft: Draft, current: PlanVersion | None) -> str:
        """What making another version takes away from somebody; empty when nothing."""
        if current is None or draft.based_on is None:
            return ""
        async with self.store.begin() as unit:
            state = await unit.plans.state(current.plan_id, current.version)
            signed = await unit.approvals.of(current.plan_id, current.version)
        if state not in (VersionState.WAITING, VersionState.APPROVED):
            return ""
        agreed = quorum(current, signed).approvers
        names = sorted(
            {
                one.statement.person_name.split()[0]
                for one in signed
                if one.statement.person in agreed and one.statement.surface is not Surface.AUTO
            }
        )
        parts = [f"Make this v{current.version + 1}?"]
        if names:
            parts.append(f"{' and '.join(names)}'s approval of v{current.version} ends.")
        if await self._could_approve(draft.requester, current):
            parts.append("You can't approve it afterwards.")
        return " ".join(parts) if len(parts) > 1 else ""

    async def _could_approve(self, person: PersonId, current: PlanVersion) -> bool:
        if person == current.requester or person in current.editors:
            return False
        actor = await self.directory.by_id(person)
        asked = {group for groups in current.requirements.groups for group in groups}
        return actor is not None and (not asked or bool(asked & set(actor.groups)))

    async def _ask(self, draft: Draft, text: str) -> None:
        async with self.store.begin() as unit:
            if not await unit.drafts.move(draft.id, frm=DraftState.OPEN, to=DraftState.ASKING):
                return
            if outcome := await unit.drafts.outcome(draft.id):
                told = outcome.model_copy(update={"cost": text})
                await unit.drafts.keep_outcome(draft.id, told)
            if draft.origin is Origin.API:
                return
            conversation = await unit.conversations.get(draft.conversation_id)
            buttons = [
                {
                    "text": "Make it",
                    "action": "draft.confirm",
                    "value": draft.id,
                    "style": "primary",
                },
                {"text": "Leave it", "action": "draft.drop", "value": draft.id},
            ]
            await self._whisper(unit, draft, conversation, {"text": text, "buttons": buttons})

    async def _answer(self, draft: Draft, outcome: Outcome) -> None:
        async with self.store.begin() as unit:
            if not await unit.drafts.move(draft.id, frm=DraftState.OPEN, to=DraftState.DONE):
                return
            conversation = await unit.conversations.get(draft.conversation_id)
            if outcome.dry_run and draft.plan_id and draft.based_on:
                await ask_preview(unit, draft.plan_id, draft.based_on, draft.requester_name)
                return
            if outcome.kind is OutcomeKind.REMARK and draft.how is How.PRESSED:
                text = NO_CHANGE.format(draft.text[:200])
                await self._whisper(unit, draft, conversation, {"text": text})
                return
            if outcome.kind is not OutcomeKind.REMARK and draft.based_on is not None:
                await unit.posts.want(PostKind.FINDINGS, draft.id, conversation.place, urgent=True)
                return
            await unit.posts.touch(draft.id, urgent=True)

    async def _fail(self, draft: Draft, text: str) -> None:
        await self._keep(draft, Outcome(kind=OutcomeKind.REFUSE, text=text))
        async with self.store.begin() as unit:
            if not await unit.drafts.move(draft.id, frm=DraftState.OPEN, to=DraftState.FAILED):
                return
            conversation = await unit.conversations.get(draft.conversation_id)
            if draft.based_on is not None or not draft.how.planned:
                await self._whisper(unit, draft, conversation, {"text": text})
            await unit.posts.touch(draft.id, urgent=True)
            if draft.repeats:  # its card offers it once more
                await unit.posts.touch(draft.repeats, urgent=True)

    async def _whisper(
        self, unit: Unit, draft: Draft, conversation: Conversation, body: dict[str, object]
    ) -> None:
        """For the asker's eyes; what a program is told, everybody in the thread reads."""
        if draft.origin is Origin.API:
            said = json.loads(json.dumps(body))
            await unit.posts.want(PostKind.NOTE, draft.id, conversation.place, body=said)
            return
        actor = await self.directory.by_id(draft.requester)
        recipient = actor.slack_id if actor else ""
        await unit.posts.want(
            PostKind.WHISPER,
            draft.id,
            conversation.place,
            body=json.loads(json.dumps(body)),
            recipient=recipient,
            urgent=True,
        )


def seen(reading: Reading, evidence: tuple[Evidence, ...]) -> bool:
    """Whether this very read has been made."""
    return any(
        (item.tool, item.action, item.input) == (reading.tool, reading.action, reading.input)
        for item in evidence
    )


def mine(actor: Actor, draft: Draft) -> None:
    """Only the speaker settles what the speaker asked for."""
    if actor.id != draft.requester:
        raise NotAllowed(f"{draft.requester_name} asked for this change and decides on it.")
