"""The durable state of a thread: where it is, who spoke, what it is about."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from engine.domain.context import ContextRef
from engine.domain.ids import ConversationId, PersonId, PlanId, ProblemId, SessionId, Tenant
from engine.domain.model import Json, Model

# The emoji on a message that says that we have it.
HEARD = "eyes"


class Place(Model):
    """A thread of a chat surface. `thread` is the ts of its root, a string; empty: the channel.

    A thread that starts with `post:` is the one under our own post with that id, which the surface
    has not shown yet. The store waits with what belongs there, and puts the ts in once it is known.
    """

    channel: str
    thread: str

    @classmethod
    def under(cls, channel: str, post_id: str) -> Self:
        """The thread under one of our posts, before it has been posted."""
        return cls(channel=channel, thread=f"post:{post_id}")


class Conversation(Model):
    """A thread that we take part in."""

    id: ConversationId
    tenant: Tenant
    place: Place
    context: ContextRef = ContextRef()
    plan_id: PlanId | None = None
    problem_id: ProblemId | None = None
    session: SessionId | None = None
    created_at: datetime


class Turn(Model):
    """One thing that somebody said; each sentence keeps its author."""

    conversation_id: ConversationId
    person: PersonId
    person_name: str
    text: str
    ts: str
    at: datetime


class PostKind(StrEnum):
    """What can be shown on a chat surface. Cards are edited in place; the rest is posted once."""

    PLAN = "plan"
    LOG = "log"
    PROBLEM = "problem"
    FINDINGS = "findings"
    NOTE = "note"
    OUTCOME = "outcome"
    WHISPER = "whisper"
    REACTION = "reaction"
    FILE = "file"
    HOME = "home"


class Post(Model):
    """A projection of something onto a chat surface, re-rendered until it agrees.

    `wanted` counts changes of the subject, `shown` is the change that the surface shows. `ts` is
    the surface's id of the message, empty until posted. `shown_version` and `shown_at` tell which
    plan version the card shows, and since when by the surface's own clock.
    """

    id: str
    tenant: Tenant
    kind: PostKind
    subject: str
    place: Place
    recipient: str = ""
    body: dict[str, Json] = {}
    wanted: int = 1
    shown: int = 0
    ts: str = ""
    shown_version: int = 0
    shown_at: str = ""
    urgent: bool = False
    attempts: int = 0
    unsure: bool = False
    created_at: datetime
