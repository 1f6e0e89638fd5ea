"""What happens when something stored is not what was approved: audited, and said loudly."""

from hashlib import sha256

import structlog

from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.conversation import PostKind
from engine.domain.plan import PlanVersion
from engine.errors import NotFound
from engine.ports import Unit

ALARM = "integrity.alarm"
LOUD = ":rotating_light: *Altered outside of Carapulse.*"
log = structlog.get_logger(__name__)


async def alarm(unit: Unit, actor: Actor, version: PlanVersion, text: str) -> None:
    """Audit it each time; the thread is told once of each different finding."""
    log.error(
        "integrity alarm",
        action=ALARM,
        plan_id=version.plan_id,
        version=version.version,
        said=text,
    )
    await unit.audit.record(
        AuditEvent(
            actor=actor,
            action=ALARM,
            subject=version.plan_id,
            decision="tampered",
            reason=text,
            detail={"version": version.version, "digest": version.digest},
        )
    )
    found = sha256(f"{version.plan_id}/{version.version} {text}".encode()).hexdigest()
    if await unit.inbox.once(ALARM, found):
        await _tell(unit, version, text)


async def _tell(unit: Unit, version: PlanVersion, text: str) -> None:
    try:
        conversation = await unit.conversations.get(version.conversation_id)
    except NotFound:  # the altered row names a thread that is not ours: log and audit have it
        return
    await unit.posts.want(
        PostKind.OUTCOME,
        version.plan_id,
        conversation.place,
        body={"text": f"{LOUD} {text}"},
        urgent=True,
    )
