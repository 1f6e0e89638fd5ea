"""What a policy is asked, and what it may answer."""

from datetime import datetime
from enum import StrEnum

from engine.domain.actor import Actor
from engine.domain.context import ContextRef
from engine.domain.model import Json, Model
from engine.domain.plan import Constraints, Requirements


class Deed(StrEnum):
    """The actions a policy decides on; each has its own name."""

    PLAN_CREATE = "plan.create"
    PLAN_READ = "plan.read"
    PLAN_APPROVE = "plan.approve"
    PLAN_REJECT = "plan.reject"
    PLAN_WITHDRAW = "plan.withdraw"
    PLAN_EXECUTE = "plan.execute"
    TOOL_EXECUTE = "tool.execute"
    TOOL_READ = "tool.read"
    EXECUTION_RUN = "execution.run"
    EXECUTION_PAUSE = "execution.pause"
    EXECUTION_RESUME = "execution.resume"
    EXECUTION_CANCEL = "execution.cancel"
    EXECUTION_HOLD = "execution.hold"
    EXECUTION_RETRY = "execution.retry"
    EXECUTION_SKIP = "execution.skip"
    EXECUTION_MARK_DONE = "execution.mark-done"
    EXECUTION_ROLL_BACK = "execution.rollback"
    EXECUTION_KEEP = "execution.keep"
    EXECUTION_ACKNOWLEDGE = "execution.acknowledge"
    EXECUTION_READ = "execution.read"
    FREEZE_SET = "freeze.set"
    FREEZE_LIFT = "freeze.lift"
    FREEZE_READ = "freeze.read"
    PLAN_ASK = "plan.ask"
    TOOL_LIST = "tool.list"
    KNOWLEDGE_READ = "knowledge.read"
    KNOWLEDGE_WRITE = "knowledge.write"
    MEMORY_READ = "memory.read"
    MEMORY_WRITE = "memory.write"
    SESSION_READ = "session.read"
    SESSION_WRITE = "session.write"
    WORKFLOW_READ = "workflow.read"
    WORKFLOW_WRITE = "workflow.write"
    WORKFLOW_START = "workflow.start"
    FEEDBACK_GIVE = "feedback.give"
    AUDIT_READ = "audit.read"
    POLICY_READ = "policy.read"
    TOKEN_REVOKE = "token.revoke"  # noqa: S105 - the name of an action
    IDENTITY_LINK = "identity.link"


# What is asked at the door, before anything of ours is looked up or written down.
DOORS = (
    Deed.PLAN_READ,
    Deed.PLAN_ASK,
    Deed.EXECUTION_READ,
    Deed.FREEZE_READ,
    Deed.TOOL_LIST,
    Deed.KNOWLEDGE_READ,
    Deed.KNOWLEDGE_WRITE,
    Deed.MEMORY_READ,
    Deed.MEMORY_WRITE,
    Deed.SESSION_READ,
    Deed.SESSION_WRITE,
    Deed.WORKFLOW_READ,
    Deed.WORKFLOW_WRITE,
    Deed.WORKFLOW_START,
    Deed.FEEDBACK_GIVE,
    Deed.AUDIT_READ,
    Deed.POLICY_READ,
    Deed.TOKEN_REVOKE,
    Deed.IDENTITY_LINK,
)


class Answer(StrEnum):
    """The three decisions there are; anything else is a deny."""

    ALLOW = "allow"
    DENY = "deny"
    REQUIRE_APPROVAL = "require_approval"


class Resource(Model):
    """A thing that would be touched."""

    kind: str
    name: str
    effect: str = "read"
    reversible: bool = False


class Question(Model):
    """The policy's input (`{actor, action, context, resources, risk, time}` and facts)."""

    actor: Actor
    action: Deed
    context: ContextRef
    resources: tuple[Resource, ...] = ()
    risk: str = "high"
    time: datetime
    facts: dict[str, Json] = {}


class Ruling(Model):
    """The policy's output, with an id to find it again."""

    id: str
    decision: Answer
    requirements: Requirements = Requirements()
    constraints: Constraints = Constraints()
    ttl: int = 0
    reasons: tuple[str, ...] = ()
    input_digest: str = ""

    @property
    def allows(self) -> bool:
        return self.decision is Answer.ALLOW
