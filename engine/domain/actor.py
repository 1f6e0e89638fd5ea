"""Who does something: a resolved person or a named service, never a chat account."""

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from engine.domain.ids import PersonId, Tenant
from engine.domain.model import Model


class ActorKind(StrEnum):
    """A person of the directory, or one of our own named services."""

    PERSON = "person"
    SERVICE = "service"


class Surface(StrEnum):
    """Where an act came from; the gate is the same for all of them."""

    BUTTON = "button"
    EMOJI = "emoji"
    COMMAND = "command"
    API = "api"
    CLI = "cli"
    WEB = "web"
    LINEAR = "linear"
    ALERT = "alert"
    AUTO = "auto"


# How programs are named; the audit's own rule (migration 0013) says the same.
PROGRAMS = ("service:", "token:", "cli:")


class Actor(Model):
    """Somebody known; nobody of the directory is named like a program.

    `groups` are directory groups, never chat user groups.
    `account` is the directory's key of the chat account (`slack:TEAM:USER`), `slack_id` its user.
    `scopes` are what a program's token may do.
    """

    kind: ActorKind = ActorKind.PERSON
    id: PersonId
    name: str
    tenant: Tenant = Tenant("default")
    groups: tuple[str, ...] = ()
    slack_id: str = ""
    account: str = ""
    scopes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _named_as_what_it_is(self) -> Self:
        if self.id.startswith(PROGRAMS) != (self.kind is ActorKind.SERVICE):
            raise ValueError(f"a {self.kind} can't have the id {self.id}")
        return self

    @property
    def mention(self) -> str:
        """A token that the chat surface turns into a mention; the name without an account."""
        return f"{{@{self.account}}}" if self.account else self.name


class Account(Model):
    """A chat account as the platform describes it, before anyone knows who it is."""

    team: str
    user: str
    name: str = ""
    is_bot: bool = False
    is_guest: bool = False
    is_stranger: bool = False
    is_deleted: bool = False

    @property
    def key(self) -> str:
        """The key that the directory holds for this account."""
        return f"slack:{self.team}:{self.user}"


ALERTS = Actor(kind=ActorKind.SERVICE, id=PersonId("service:alerts"), name="Alerts")
LINEAR = Actor(kind=ActorKind.SERVICE, id=PersonId("service:linear"), name="Linear")
PAGERDUTY = Actor(kind=ActorKind.SERVICE, id=PersonId("service:pagerduty"), name="PagerDuty")
GATE = Actor(kind=ActorKind.SERVICE, id=PersonId("service:gate"), name="Gate")
WORKER = Actor(kind=ActorKind.SERVICE, id=PersonId("service:worker"), name="Worker")
