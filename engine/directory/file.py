"""Who people are, from a YAML file of people and groups."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import StringConstraints, ValidationError

from engine.documents import read_yaml
from engine.domain.actor import Account, Actor
from engine.domain.ids import PersonId, Tenant
from engine.domain.model import Model, Name
from engine.errors import ConfigurationError

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._@-]{0,99}$")]
SlackUser = Annotated[str, StringConstraints(pattern=r"^slack:[A-Z0-9]+:[UW][A-Z0-9]+$")]
LinearUser = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
SlackGroup = Annotated[str, StringConstraints(pattern=r"^slack:[A-Z0-9]+:S[A-Z0-9]+$")]
PLAIN = re.compile(r"[{}<>*_~`\n\r]")


class Subject(Model):
    """Who a person is at an identity provider; without `issuer`: at that of the settings."""

    subject: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    issuer: str = ""


class Person(Model):
    """One person. `slack`, `oidc` and `linear` list accounts; an e-mail alone is no identity."""

    id: Id
    name: Name
    email: str = ""
    slack: tuple[SlackUser, ...] = ()
    oidc: tuple[Subject, ...] = ()
    linear: tuple[LinearUser, ...] = ()
    groups: tuple[Id, ...] = ()


class Group(Model):
    """One group. `slack` is its user group, used to mention it and for nothing else."""

    id: Id
    title: str = ""
    slack: SlackGroup | None = None


class Listing(Model):
    """The file."""

    people: tuple[Person, ...]
    groups: tuple[Group, ...] = ()


class FileDirectory:
    """The `Directory` port. Membership comes from this file, never from a chat's user groups."""

    def __init__(self, file: Path, *, tenant: Tenant) -> None:
        listing = read_listing(file)
        self._people = {PersonId(one.id): actor(one, tenant) for one in listing.people}
        self._accounts = {key: PersonId(one.id) for one in listing.people for key in one.slack}
        self._subjects = {key: PersonId(one.id) for one in listing.people for key in one.oidc}
        self._linear = {key: PersonId(one.id) for one in listing.people for key in one.linear}
        self._emails = {PersonId(one.id): one.email for one in listing.people}
        self._groups = {one.id: one for one in listing.groups}

    async def person(self, account: Account) -> Actor | None:
        """The person bound to this very account; guests, bots and strangers are nobody."""
        if account.is_bot or account.is_guest or account.is_stranger or account.is_deleted:
            return None
        found = self._accounts.get(account.key)
        if found is None:
            return None
        update = {"slack_id": account.user, "account": account.key}
        return self._people[found].model_copy(update=update)

    def linked(self, issuer: str, subject: str) -> PersonId | None:
        """The person whom the file binds to this subject, by its issuer or by the one there is."""
        named = Subject(subject=subject, issuer=issuer)
        return self._subjects.get(named) or self._subjects.get(Subject(subject=subject))

    def linear(self, user: str) -> PersonId | None:
        """The person whom the file binds to this user of Linear."""
        return self._linear.get(user)

    def email(self, person_id: PersonId) -> str:
        """Their address, for comparing; empty where the file has none."""
        return self._emails.get(person_id, "")

    async def by_id(self, person_id: PersonId) -> Actor | None:
        return self._people.get(person_id)

    async def members(self, group: str) -> list[Actor]:
        """People of a group, in the file's order."""
        return [one for one in self._people.values() if group in one.groups]

    async def mention(self, group: str) -> str:
        """A token for the group's user group; its plain name where it has none."""
        found = self._groups.get(group)
        return f"{{@{found.slack}}}" if found and found.slack else group


def read_listing(file: Path) -> Listing:
    """Read and check the file.

    Raises:
        ConfigurationError: names each wrong entry.
    """
    content: Any = read_yaml(file)
    try:
        listing = Listing.model_validate(content)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(f"{file.name} is wrong: {wrong}.") from None
    if problems := _contradictions(listing):
        raise ConfigurationError(f"{file.name} is wrong: {'; '.join(problems)}.")
    return listing


def actor(person: Person, tenant: Tenant) -> Actor:
    """A person as everything else knows them; the first account is how they are mentioned."""
    account = person.slack[0] if person.slack else ""
    return Actor(
        id=PersonId(person.id),
        name=person.name,
        tenant=tenant,
        groups=person.groups,
        slack_id=account.rpartition(":")[2],
        account=account,
    )


def _contradictions(listing: Listing) -> list[str]:
    known = {group.id for group in listing.groups}
    found = [f"the person {name} is there twice" for name in _twice(p.id for p in listing.people)]
    found += [f"the group {name} is there twice" for name in _twice(g.id for g in listing.groups)]
    accounts = [key for person in listing.people for key in person.slack]
    found += [f"the account {key} belongs to two people" for key in _twice(accounts)]
    subjects = [f"{key.issuer} {key.subject}" for one in listing.people for key in one.oidc]
    found += [f"the subject {key.strip()} belongs to two people" for key in _twice(subjects)]
    users = [key for person in listing.people for key in person.linear]
    found += [f"the Linear user {key} belongs to two people" for key in _twice(users)]
    for person in listing.people:
        found += [
            f"{person.id} is in {name}, which is no group here"
            for name in person.groups
            if name not in known
        ]
        if PLAIN.search(person.name):
            found.append(f"the name of {person.id} holds characters that chat would format")
    return found


def _twice(names: Iterable[str]) -> list[str]:
    listed = list(names)
    return sorted({name for name in listed if listed.count(name) > 1})
