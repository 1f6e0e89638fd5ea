"""What is given to one call and has to be taken back after it."""

from datetime import datetime
from enum import StrEnum

from engine.domain.model import Model


class Giver(StrEnum):
    """Who gave it, and takes it back."""

    VAULT = "vault"
    BOUNDARY = "boundary"


class Minted(Model):
    """A lease of Vault or a session of Boundary, by its id: never its value.

    `holder` is the process that uses it, `until` when its call is surely over, `expires` when it
    ends by itself.
    """

    giver: Giver
    id: str
    connection: str
    holder: str
    until: datetime
    expires: datetime
