"""What the gate keeps of an act of deciding, allowed or refused."""

from decimal import Decimal, InvalidOperation

from engine.domain.approval import Verdict
from engine.domain.audit import AuditEvent
from engine.domain.conversation import PostKind
from engine.domain.plan import VersionState
from engine.domain.policy import Deed, Ruling
from engine.errors import CarapulseError, NotAllowed, Tampered, Unavailable
from engine.ports import Unit
from engine.services.ballot import Ballot

DEEDS = {
    Verdict.APPROVE: Deed.PLAN_APPROVE,
    Verdict.REJECT: Deed.PLAN_REJECT,
    Verdict.WITHDRAW: Deed.PLAN_WITHDRAW,
}


class Refused(NotAllowed):
    """The policy's no, with the ruling for the audit."""

    def __init__(self, text: str, ruling: Ruling) -> None:
        super().__init__(text)
        self.ruling = ruling


async def noted(
    unit: Unit,
    ballot: Ballot,
    decision: str,
    reason: str,
    ruling: Ruling | None = None,
    to: VersionState | None = None,
    nonce: str = "",
) -> None:
    """The row of the audit, in the transaction of what it tells."""
    version = ballot.version
    await unit.audit.record(
        AuditEvent(
            actor=ballot.actor,
            action=DEEDS[ballot.verdict].value,
            subject=version.plan_id,
            decision=decision,
            reason=reason,
            policy_decision=ruling.id if ruling else "",
            policy_input_digest=ruling.input_digest if ruling else "",
            detail={
                "version": version.version,
                "digest": version.digest,
                "surface": ballot.surface.value,
                "state": to.value if to else "",
                "nonce": nonce,
            },
            at=ballot.now,
        )
    )


def outcome(error: CarapulseError) -> str:
    """The audit's word for a refusal."""
    if isinstance(error, Unavailable):
        return "unavailable"
    if isinstance(error, Tampered):
        return "tampered"
    return "deny" if isinstance(error, NotAllowed) else "conflict"


async def seen(unit: Unit, ballot: Ballot) -> bool:
    """Whether the emoji came after the surface, by its own clock, showed this very version."""
    post = await unit.posts.of(PostKind.PLAN, ballot.version.plan_id)
    if post is None or post.shown_version != ballot.version.version:
        return False
    try:
        return Decimal(ballot.acted_at) > Decimal(post.shown_at)
    except InvalidOperation:
        return False
