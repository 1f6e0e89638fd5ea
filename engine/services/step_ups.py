"""The gate as surfaces see it: where a second sign-in is needed, they get a link to it."""

from dataclasses import dataclass

from engine.domain.actor import Actor, Surface
from engine.domain.approval import UNPROVEN, Decided, Proof, Verdict
from engine.domain.audit import AuditEvent
from engine.domain.glass import Tickets
from engine.domain.identity import Claims, Purpose, SignIn
from engine.domain.ids import PlanId
from engine.domain.plan import PlanVersion
from engine.errors import CarapulseError, NotAllowed, SignInNeeded, Tampered
from engine.ports import Clock, Store
from engine.services.approvals import Approvals
from engine.services.identities import Identities
from engine.services.sign_ins import SignIns, refuse_other

NO_PROVIDER = (
    "This plan needs a second sign-in, and no identity provider is configured (rule "
    "`actors.step_up`)."
)
NO_ACCOUNTS = "No identity provider is configured, so there is nothing to link."
LINKING = (
    "Sign in once, and I know that account as you: it can ask and approve in your name. The link "
    "is yours alone, and good for some minutes."
)
CHANGED = "This plan is not what it was when you pressed Approve, so nothing was recorded."


@dataclass(frozen=True, slots=True)
class Door:
    """What a second sign-in takes: links to it, and who it is that comes back."""

    sign_ins: SignIns
    identities: Identities


@dataclass(frozen=True, slots=True)
class StepUps:
    """Decides through the one gate, after a second sign-in where the version asks for one."""

    gate: Approvals
    store: Store
    clock: Clock
    door: Door | None

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
        """As the gate decides; `SignInNeeded` comes with a link for this person alone."""
        try:
            return await self.gate.decide(
                actor,
                plan_id,
                version,
                verdict,
                surface=surface,
                reason=reason,
                ticket=ticket,
                acted_at=acted_at,
                proof=proof,
            )
        except SignInNeeded as error:
            if self.door is None:
                raise NotAllowed(NO_PROVIDER) from None
            found = await self._version(plan_id, version)
            url = await self.door.sign_ins.invite(
                actor,
                Purpose.APPROVE,
                plan_id=plan_id,
                version=version,
                digest=found.digest,
                asked={
                    "surface": surface.value,
                    "reason": reason,
                    "ticket": ticket,
                    "acted_at": acted_at,
                },
            )
            raise SignInNeeded(str(error), url) from None

    @property
    def tickets(self) -> Tickets:
        """What tickets look like, for those who ask for one."""
        return self.gate.limits.tickets

    async def may(self, actor: Actor, plan_id: PlanId, number: int) -> str:
        """Why this person can't approve; empty when nothing is in the way."""
        return await self.gate.may(actor, plan_id, number)

    async def link(self, actor: Actor) -> None:
        """Always `SignInNeeded`, with a link that binds an account to this person."""
        if self.door is None:
            raise NotAllowed(NO_ACCOUNTS)
        url = await self.door.sign_ins.invite(actor, Purpose.LINK)
        raise SignInNeeded(LINKING, url)

    async def confirm(self, sign_in: SignIn, claims: Claims) -> Decided:
        """The approval that a link was made for, by the person who has just signed in.

        Raises what the gate raises, and:
            NotAllowed: somebody else signed in.
            Unidentified: the account counts no more.
            Conflict: the link was used in this moment.
        """
        assert self.door is not None
        assert sign_in.plan_id is not None
        caller = await self.door.identities.known(claims)
        try:
            refuse_other(sign_in, caller.actor)
            await self.door.sign_ins.use_up(sign_in)
            version = await self._version(sign_in.plan_id, sign_in.version)
            if version.digest != sign_in.digest:
                raise Tampered(CHANGED)
        except CarapulseError as error:
            await self._tell(caller.actor, sign_in, error)
            raise
        return await self.gate.decide(
            caller.actor,
            sign_in.plan_id,
            sign_in.version,
            Verdict.APPROVE,
            surface=Surface(str(sign_in.asked["surface"])),
            reason=str(sign_in.asked.get("reason") or ""),
            ticket=str(sign_in.asked.get("ticket") or ""),
            acted_at=str(sign_in.asked.get("acted_at") or ""),
            proof=Proof(step_up=True, groups=caller.proof.groups),
        )

    async def _version(self, plan_id: PlanId, number: int) -> PlanVersion:
        async with self.store.begin() as unit:
            return await unit.plans.version(plan_id, number)

    async def _tell(self, actor: Actor, sign_in: SignIn, error: CarapulseError) -> None:
        """What was tried with somebody's link is in the audit."""
        async with self.store.begin() as unit:
            await unit.audit.record(
                AuditEvent(
                    actor=actor,
                    action="plan.step_up",
                    subject=str(sign_in.plan_id),
                    decision="deny",
                    reason=str(error),
                    detail={"version": sign_in.version, "asked": sign_in.person},
                    at=self.clock(),
                )
            )
