"""The door: whether somebody may come in at all; what they do inside is asked for again there."""

from dataclasses import dataclass

from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.context import ContextRef
from engine.domain.policy import Deed
from engine.domain.questions import Limits, to_read
from engine.errors import NotAllowed
from engine.ports import Clock, Policy, Store


@dataclass(frozen=True, slots=True)
class Access:
    """Asks the policy in the name of whoever acts; a refusal is in the audit."""

    store: Store
    policy: Policy
    clock: Clock
    limits: Limits

    async def check(self, actor: Actor, deed: Deed, subject: str = "") -> None:
        """Raises `NotAllowed`, or `Unavailable` where nobody answers."""
        place = ContextRef(tenant=self.limits.tenant)
        question = to_read(actor, place, limits=self.limits, now=self.clock(), deed=deed)
        ruling = await self.policy.ask(question)
        if ruling.allows:
            return
        reason = " ".join(ruling.reasons) or f"The policy does not allow {deed.value}."
        async with self.store.begin() as unit:
            await unit.audit.record(
                AuditEvent(
                    actor=actor,
                    action=deed.value,
                    subject=subject,
                    decision="deny",
                    reason=reason,
                    policy_decision=ruling.id,
                    policy_input_digest=ruling.input_digest,
                )
            )
        raise NotAllowed(reason)
