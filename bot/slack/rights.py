"""What each subcommand of `/carapulse` asks the policy for, before it does anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from engine.domain.actor import Actor
from engine.domain.policy import Deed


class Access(Protocol):
    """`engine.services.access.Access`."""

    async def check(self, actor: Actor, deed: Deed, subject: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Right:
    """The action of a subcommand; some of its verbs have one of their own."""

    usual: Deed
    verbs: Mapping[str, Deed] = field(default_factory=dict)

    def of(self, words: str) -> Deed:
        """What these words ask for."""
        found = words.replace("\x00", "").split(maxsplit=1)
        return self.verbs.get(found[0].lower(), self.usual) if found else self.usual


WRITTEN = {"add": Deed.KNOWLEDGE_WRITE, "remove": Deed.KNOWLEDGE_WRITE}
# The gate is asked for decisions and freezes besides, with all that it has to know.
RIGHTS: Mapping[str, Right] = {
    "plan": Right(Deed.PLAN_ASK),
    "status": Right(Deed.PLAN_READ),
    "approve": Right(Deed.PLAN_READ),
    "reject": Right(Deed.PLAN_READ),
    "logs": Right(Deed.EXECUTION_READ),
    "audit": Right(Deed.AUDIT_READ),
    "freeze": Right(Deed.FREEZE_READ),
    "runbook": Right(Deed.KNOWLEDGE_READ, WRITTEN),
    "playbook": Right(Deed.KNOWLEDGE_READ, WRITTEN),
    "memory": Right(Deed.MEMORY_READ, dict.fromkeys(("add", "forget"), Deed.MEMORY_WRITE)),
    "session": Right(
        Deed.SESSION_READ,
        dict.fromkeys(("open", "use", "leave", "close", "add", "remove"), Deed.SESSION_WRITE),
    ),
    "link": Right(Deed.IDENTITY_LINK),
    "workflow": Right(
        Deed.WORKFLOW_READ,
        {
            "start": Deed.WORKFLOW_START,
            "enable": Deed.WORKFLOW_WRITE,
            "disable": Deed.WORKFLOW_WRITE,
        },
    ),
}
