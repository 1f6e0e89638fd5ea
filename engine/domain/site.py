"""Where a runner works: one cluster of one environment."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import StringConstraints, ValidationError

from engine.domain.context import ContextRef
from engine.domain.model import Model
from engine.errors import Invalid

# No dot in the first of the two, so that no two sites have one queue.
Environment = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
Cluster = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,126}$")]


class Site(Model):
    """`prod/eu-1`, with the queue that its runners serve."""

    environment: Environment
    cluster: Cluster

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `Invalid`."""
        environment, _, cluster = text.partition("/")
        try:
            return cls(environment=environment, cluster=cluster)
        except ValidationError:
            raise Invalid(
                "A runner's place is an environment and a cluster, such as prod/eu-1."
            ) from None

    @property
    def queue(self) -> str:
        return f"tools.{self.environment}.{self.cluster}"

    def is_at(self, context: ContextRef) -> bool:
        """Whether something of this context is here."""
        return (context.environment, context.cluster) == (self.environment, self.cluster)

    def __str__(self) -> str:
        return f"{self.environment}/{self.cluster}"


class Served(Model):
    """A site that has runners of its own: how many are alive, and when one was last heard."""

    site: Site
    login: str
    alive: int = 0
    heard_at: datetime | None = None
