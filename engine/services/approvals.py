"""The gate: every approval, rejection and withdrawal, from every surface, ends here."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.crossing import crossing
from engine.domain.actor import GATE, Actor, ActorKind, Surface
from engine.domain.approval import UNPROVEN, Decided, Proof, Signed, Statement, Verdict
from engine.domain.call import Call
from engine.domain.conversation import PostKind
from engine.domain.glass import Glass
from engine.domain.ids import PlanId
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.domain.policy import Ruling
from engine.domain.questions import Limits, to_decide
from engine.domain.quorum import Quorum, eligible
from engine.domain.session import Viewer
from engine.domain.strictest import strictest
from engine.domain.touching import touched
from engine.errors import (
    CarapulseError,
    Conflict,
    NotAllowed,
    NotFound,
    SignInNeeded,
    Tampered,
    Unavailable,
)
from engine.ports import Clock, Directory, Policy, Signer, Store, Unit, Verifier
from engine.services import verdicts
from engine.services.alarm import alarm
from engine.services.authority import Authority, refuse_revived, refuse_unknown
from engine.services.ballot import Ballot
from engine.services.glass import GlassAlarm
from engine.services.guards import Holds
from engine.services.minutes import DEEDS, Refused, noted, outcome, seen
from engine.services.sessions import may_work

MENTIONED_AT_MOST = 6
# What `may` takes for granted: an approval of high risk says why, and names its ticket.
SUPPOSED = Glass(reason="what will be said at the approval", ticket="what will be named")
LONGEST_REASON = 500


def uncounted(verdict: str) -> None:
    """Where nobody counts."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """Decide on plan versions. One transaction each; pressing twice changes nothing."""

    store: Store
    policy: Policy
    directory: Directory
    signer: Signer
    verifier: Verifier
    clock: Clock
    limits: Limits
    holds: Holds
    glass: GlassAlarm
    genuine: Callable[[Call], bool]
    on_verdict: Callable[[str], None] = uncounted

    @property
    def authority(self) -> Authority:
        """Counts only what is signed, as the worker does."""
        return Authority(self.verifier)

    async def decide(
        self,
        actor: Actor,
        plan_id: PlanId,
        version: int,
        verdict: Verdict,
        *,
        surface: Surface,
        reason: str = "",
        ticket: str = "",
        acted_at: str = "",
        proof: Proof = UNPROVEN,
    ) -> Decided:
        """Record what a person says to a version; break-glass asks for a reason and a ticket.

        Raises:
            Invalid: the reason or the ticket is not enough for break-glass.
            SignInNeeded: it would be allowed after a second sign-in.
            NotAllowed: a rule forbids it.
            Conflict: the version was replaced, or is already decided.
            NotFound: there is no such plan here.
            Tampered: what is stored is not what was shown or signed.
            Unavailable: the policy or the database does not answer; nothing is recorded.
        """
        person, refusal = await self._person(actor)
        if proof.groups and not refusal:
            groups = dict.fromkeys((*person.groups, *proof.groups))
            person = person.model_copy(update={"groups": tuple(groups)})
        return await self._cast(
            person,
            plan_id,
            version,
            verdict,
            surface,
            refusal,
            reason=reason,
            ticket=ticket,
            acted_at=acted_at,
            proof=proof,
        )

    async def may(self, actor: Actor, plan_id: PlanId, number: int) -> str:
        """Why this person can't approve this version now; empty when nothing is in the way.

        What an approval gives along (reason, ticket, a second sign-in) counts as given.
        """
        person, refusal = await self._person(actor)
        async with self.store.begin() as unit:
            version = await unit.plans.version(plan_id, number)
            ballot = Ballot(
                actor=person,
                version=version,
                verdict=Verdict.APPROVE,
                surface=Surface.BUTTON,
                reason=SUPPOSED.reason,
                ticket=SUPPOSED.ticket,
                acted_at="",
                now=self.clock(),
                current=(await unit.plans.current(plan_id)).version,
                refusal=refusal,
                proof=Proof(step_up=True),
            )
            try:
                found = await self._allowed(unit, ballot)
            except (NotAllowed, Conflict, Tampered) as error:
                return str(error)
        return found.text if isinstance(found, Decided) else ""

    async def release(self, plan_id: PlanId, version: int) -> Decided:
        """Release what needs no person (reads, low-auto), signed by the gate itself."""
        return await self._cast(GATE, plan_id, version, Verdict.APPROVE, Surface.AUTO, "")

    async def _person(self, actor: Actor) -> tuple[Actor, str]:
        """The person as the directory knows them now, whatever the caller says of their groups."""
        if actor.kind is not ActorKind.PERSON:
            return actor, verdicts.ONLY_PEOPLE
        known = await self.directory.by_id(actor.id)
        if known is None or known.tenant != actor.tenant:
            return actor, verdicts.STRANGER
        return known, ""

    async def _cast(
        self,
        actor: Actor,
        plan_id: PlanId,
        number: int,
        verdict: Verdict,
        surface: Surface,
        refusal: str,
        *,
        reason: str = "",
        ticket: str = "",
        acted_at: str = "",
        proof: Proof = UNPROVEN,
    ) -> Decided:
        """One transaction. The plan's row is locked first, so what is read after stays true."""
        async with self.store.begin() as unit:
            current = await unit.plans.lock(plan_id)
            version = await unit.plans.version(plan_id, number)
            if actor.kind is ActorKind.PERSON and version.tenant != actor.tenant:
                raise NotFound(verdicts.NO_PLAN)
            ballot = Ballot(
                actor=actor,
                version=version,
                verdict=verdict,
                surface=surface,
                reason=reason[:LONGEST_REASON],
                ticket=ticket,
                acted_at=acted_at,
                now=self.clock(),
                current=current,
                refusal=refusal,
                proof=proof,
            )
            answer = await self._answered(unit, ballot)
            crossing("K06")
        if isinstance(answer, CarapulseError):
            self.on_verdict("refused")
            raise answer
        self.on_verdict(verdict.value)
        return answer

    async def _answered(self, unit: Unit, ballot: Ballot) -> Decided | CarapulseError:
        """Decide; a refusal is returned, so that its audit row commits."""
        try:
            return await self._decided(unit, ballot)
        except (NotAllowed, Conflict, Tampered, Unavailable) as error:
            if isinstance(error, Unavailable) and error.component != "policy":
                raise
            if isinstance(error, Tampered):
                await alarm(unit, ballot.actor, ballot.version, str(error))
            ruling = error.ruling if isinstance(error, Refused) else None
            await noted(unit, ballot, outcome(error), str(error), ruling)
            return error

    async def _decided(self, unit: Unit, ballot: Ballot) -> Decided:
        found = await self._allowed(unit, ballot)
        if isinstance(found, Decided):
            return found
        signed, ruling = found
        return await self._record(unit, ballot.checked(self.limits.tickets), signed, ruling)

    async def _allowed(
        self, unit: Unit, ballot: Ballot
    ) -> Decided | tuple[Sequence[Signed], Ruling]:
        """What was signed so far, and the policy's yes; or the answer to a second press."""
        version = ballot.version
        if ballot.refusal:
            raise NotAllowed(ballot.refusal)
        if ballot.current != version.version:
            raise Conflict(verdicts.replaced(version.version, ballot.current))
        signed = await unit.approvals.of(version.plan_id, version.version)
        quorum = self.authority.standing(version, signed)
        state = await unit.plans.state(version.plan_id, version.version)
        if said := verdicts.repeated(ballot.actor, ballot.verdict, version, quorum, signed, state):
            return said
        if state is not VersionState.WAITING:
            raise Conflict(verdicts.over(version, state, signed))
        refuse_revived(version, quorum)
        if ballot.now >= version.decide_before:
            raise Conflict(verdicts.expired(version))
        await self._check_session(unit, ballot)
        await self._check_act(unit, ballot, quorum)
        ruling = await self._ruling(unit, ballot, step_up=ballot.proof.step_up)
        if not ruling.allows:
            if ballot.lacks_step_up and (await self._ruling(unit, ballot, step_up=True)).allows:
                ballot.checked(self.limits.tickets)  # before anybody signs in for nothing
                raise SignInNeeded(verdicts.sign_in(version))
            raise Refused(await self._refusal(ballot, quorum, ruling), ruling)
        return signed, ruling

    async def _check_session(self, unit: Unit, ballot: Ballot) -> None:
        """A plan of a session is approved by those who may work in it, while it is open."""
        if ballot.verdict is not Verdict.APPROVE:
            return
        viewer = Viewer.of(ballot.actor) if ballot.actor.kind is ActorKind.PERSON else None
        await may_work(
            unit,
            ballot.version.session,
            viewer,
            required=self.limits.sessions_required,
            what="Executing",
        )

    async def _check_act(self, unit: Unit, ballot: Ballot, quorum: Quorum) -> None:
        """What the act itself must be, before anybody is asked whether it is allowed."""
        if ballot.surface is Surface.AUTO:
            refuse_unknown(ballot.version, self.genuine)
        voteless = ballot.actor.id not in quorum.approvers
        takes_back = ballot.verdict is Verdict.WITHDRAW and not ballot.withdraws_plan
        if takes_back and voteless:
            raise Conflict(verdicts.nothing_to_take_back(ballot.version))
        by_emoji = ballot.verdict is Verdict.APPROVE and ballot.surface is Surface.EMOJI
        if by_emoji and not await seen(unit, ballot):
            raise NotAllowed(verdicts.too_early(ballot.version))

    async def _ruling(self, unit: Unit, ballot: Ballot, *, step_up: bool) -> Ruling:
        holds = await self.holds.on(unit, ballot.version, ballot.now)
        approves = ballot.verdict is Verdict.APPROVE
        questions = [
            to_decide(
                ballot.actor,
                DEEDS[ballot.verdict],
                ballot.version,
                limits=self.limits,
                surface=ballot.surface,
                step_up=step_up,
                glass=ballot.glass,
                holds=holds,
                now=ballot.now,
                place=place,
            )
            for place in (touched(ballot.version) if approves else (ballot.version.context,))
        ]
        try:
            return strictest([await self.policy.ask(question) for question in questions])
        except Unavailable as error:
            raise Unavailable("policy", verdicts.POLICY_DOWN) from error

    async def _refusal(self, ballot: Ballot, quorum: Quorum, ruling: Ruling) -> str:
        """The policy's reasons, and for an approval who can give it."""
        said = " ".join(ruling.reasons) or verdicts.NO_REASON
        others = await self._others(ballot, quorum) if ballot.verdict is Verdict.APPROVE else ()
        return f"{said} Asked: {', '.join(others)}." if others else said

    async def _others(self, ballot: Ballot, quorum: Quorum) -> tuple[str, ...]:
        """Mentions of who can still approve."""
        found: dict[str, None] = {}
        for group in sorted(ballot.groups):
            for one in await self.directory.members(group):
                open_to = one.id not in (ballot.actor.id, *quorum.approvers)
                if open_to and eligible(ballot.version, one.id):
                    found[one.mention] = None
        return tuple(found)[:MENTIONED_AT_MOST]

    async def _record(
        self, unit: Unit, ballot: Ballot, signed: Sequence[Signed], ruling: Ruling
    ) -> Decided:
        """Sign and store; the state moves first, so that a lost race stores nothing."""
        mine = self._sign(ballot, ruling)
        quorum = self.authority.standing(ballot.version, [*signed, mine])
        to = ballot.next_state(quorum)
        ref = VersionRef(plan_id=ballot.version.plan_id, version=ballot.version.version)
        if to is not VersionState.WAITING and not await unit.plans.move(
            ref,
            frm=(VersionState.WAITING,),
            to=to,
            reason=verdicts.why(ballot.actor, to, ballot.reason),
        ):
            raise Conflict(verdicts.changed(ballot.version))
        await unit.approvals.add(mine)
        nonce = mine.statement.nonce
        await noted(unit, ballot, "allow", ballot.reason, ruling, to=to, nonce=nonce)
        if ballot.breaks_glass:
            await self.glass.given(unit, ballot, ruling)
        if ballot.breaks_glass and to is VersionState.APPROVED:
            said = {one.statement.person: one.statement for one in (*signed, mine)}
            agreed = [said[person] for person in quorum.approvers]
            await self.glass.complete(unit, ballot.version, agreed, ballot.now)
        await unit.posts.touch(ref.plan_id, urgent=True)
        if to is not VersionState.WAITING:
            await self._tell_problem(unit, ballot.version)
            await unit.jobs.add("execution.wake", {"plan_id": ref.plan_id, "version": ref.version})
        return verdicts.recorded(ballot.verdict, ballot.version, quorum, to)

    async def _tell_problem(self, unit: Unit, version: PlanVersion) -> None:
        """An alert's message says what became of its plan, and offers a draft after a no."""
        conversation = await unit.conversations.get(version.conversation_id)
        if conversation.problem_id:
            await unit.posts.touch(conversation.problem_id, PostKind.PROBLEM, urgent=True)

    def _sign(self, ballot: Ballot, ruling: Ruling) -> Signed:
        version = ballot.version
        return self.signer.sign(
            Statement(
                tenant=version.tenant,
                plan_id=version.plan_id,
                version=version.version,
                digest=version.digest,
                verdict=ballot.verdict,
                person=ballot.actor.id,
                person_name=ballot.actor.name,
                groups=tuple(sorted(ballot.groups.intersection(ballot.actor.groups))),
                surface=ballot.surface,
                step_up=ballot.proof.step_up,
                policy_decision=ruling.id,
                reason=ballot.reason,
                ticket=ballot.ticket,
                at=ballot.now,
                nonce=secrets.token_hex(16),
                key_id=self.signer.key_id,
            )
        )
