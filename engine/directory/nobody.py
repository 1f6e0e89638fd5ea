"""A directory without people, where none is configured: everybody is a stranger."""

from engine.domain.actor import Account, Actor
from engine.domain.ids import PersonId


class Nobody:
    """The null implementation of the `Directory` port."""

    async def person(self, account: Account) -> Actor | None:
        return None

    def linked(self, issuer: str, subject: str) -> PersonId | None:
        return None

    def linear(self, user: str) -> PersonId | None:
        return None

    def email(self, person_id: PersonId) -> str:
        return ""

    async def by_id(self, person_id: PersonId) -> Actor | None:
        return None

    async def members(self, group: str) -> list[Actor]:
        return []

    async def mention(self, group: str) -> str:
        return group
