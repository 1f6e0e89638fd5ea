"""A session: a working context that people share, and that others may not look into."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from engine.domain.actor import Actor
from engine.domain.ids import PersonId, SessionId, Tenant
from engine.domain.knowledge import Label, Line
from engine.domain.model import Model


class Visibility(StrEnum):
    """Who may see and use a session: its owner, its members too, or everybody of the tenant."""

    PRIVATE = "private"
    MEMBERS = "members"
    EVERYONE = "everyone"


class SessionState(StrEnum):
    """A closed session stays to be read; nothing is planned or started in it."""

    OPEN = "open"
    CLOSED = "closed"


class SessionWords(Model):
    """What somebody decides about a session. `members` are ids of people, `groups` directory's."""

    name: Line
    visibility: Visibility = Visibility.MEMBERS
    members: Annotated[tuple[Label, ...], Field(max_length=200)] = ()
    groups: Annotated[tuple[Label, ...], Field(max_length=50)] = ()


class Session(SessionWords):
    """A session as it is kept."""

    id: SessionId
    tenant: Tenant
    state: SessionState = SessionState.OPEN
    owner: PersonId
    owner_name: str
    revision: int = 1
    created_at: datetime
    closed_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether something may be planned and started in it."""
        return self.state is SessionState.OPEN

    @property
    def shared(self) -> bool:
        """Whether it is open to more than people that are named one by one."""
        if self.visibility is Visibility.MEMBERS:
            return bool(self.groups)
        return self.visibility is Visibility.EVERYONE

    def admits(self, viewer: "Viewer") -> bool:
        """The rule that the queries hold too: who may see it and work in it."""
        if viewer.everything or self.owner == viewer.person:
            return True
        if self.visibility is Visibility.EVERYONE:
            return True
        if self.visibility is Visibility.PRIVATE:
            return False
        return viewer.person in self.members or bool(set(self.groups) & set(viewer.groups))


class Viewer(Model):
    """Whose eyes a query looks with. `everything` is for who holds the database itself."""

    person: PersonId
    groups: tuple[str, ...] = ()
    everything: bool = False

    @classmethod
    def of(cls, actor: Actor) -> "Viewer":
        """A person sees what is shared with them or with a group of theirs."""
        return cls(person=actor.id, groups=actor.groups)
