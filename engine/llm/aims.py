"""One order at one place, with what the services file says about it."""

from collections.abc import Collection
from dataclasses import dataclass

from engine.domain.call import Expectation
from engine.domain.context import ContextRef
from engine.domain.model import Json
from engine.domain.plan import DraftStep
from engine.errors import CarapulseError
from engine.llm.slots import Order

KINDS = frozenset({"deployment", "statefulset", "daemonset"})


class Refused(CarapulseError):
    """The request is understood and can't become a plan; the text says why."""


@dataclass(frozen=True, slots=True)
class Aim:
    """One order at one place. `replicas` is how many run there now, where it was looked at."""

    order: Order
    context: ContextRef
    entry: dict[str, Json]
    actions: Collection[str]
    replicas: int | None = None

    @property
    def service(self) -> str:
        return self.context.service

    @property
    def place(self) -> str:
        return "/".join(filter(None, (self.context.environment, self.context.cluster)))

    @property
    def divided(self) -> bool:
        """Whether the service runs in more than one cluster of the environment."""
        places = self.entry.get("places")
        known = [str(one) for one in places] if isinstance(places, list) else []
        return sum(one.startswith(f"{self.context.environment}/") for one in known) > 1

    @property
    def kind(self) -> str:
        return str(self.entry.get("kind", ""))

    def told(self, name: str, field: str) -> str:
        """A text of a part of the entry: `helm.release`."""
        part = self.entry.get(name)
        return str(part.get(field, "")) if isinstance(part, dict) else ""

    def step(
        self,
        name: str,
        given: dict[str, Json],
        title: str,
        expect: Expectation | None = None,
        why: str = "",
    ) -> DraftStep:
        """A step of this order.

        Raises:
            Refused: nothing here can do it.
        """
        if name not in self.actions:
            raise Refused(f"I can't {self.order.said}: no tool covers it.")
        tool, _, action = name.partition(".")
        return DraftStep(
            tool=tool,
            action=action,
            input=given,
            title=title,
            why=why,
            expect=expect,
            context=self.context,
        )

    @property
    def workload(self) -> dict[str, Json]:
        """Kind and name, as kubectl takes them. Raises `Refused` where there is no such thing."""
        if self.kind not in KINDS:
            raise Refused(
                f"I can't {self.order.verb} {self.service}: its entry in the services file has no "
                "`kind` that Kubernetes runs."
            )
        return {"kind": self.kind, "name": self.service}
