"""Where an order acts: its services, environment and clusters, or the question that is left."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from engine.domain.context import ContextRef
from engine.errors import CarapulseError
from engine.llm import telling
from engine.llm.slots import Order
from engine.llm.verbs import Verb
from engine.llm.words import texts
from engine.ports import Services

CHOICES = 4
EVERYTHING = re.compile(
    r"\b(?:everything|(?:all|every|each)(?: of)?(?: the| our)? (?:services?|apps?|pods|"
    r"deployments?))\b"
)


class Unclear(CarapulseError):
    """One short question; `choices` answer it."""

    def __init__(self, text: str, choices: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.choices = tuple(choices)[:CHOICES]


class Scopes:
    """Finds the places of orders in the service graph."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def of(self, order: Order, base: ContextRef) -> list[ContextRef]:
        """Each place that an order means, one for each service and cluster.

        Raises:
            Unclear: a service or a place must be asked for.
        """
        return [
            place
            for service in self._named(order, base)
            for place in self._places(service, order, base)
        ]

    def near(self, word: str) -> list[str]:
        """Services whose name or alias looks like a word; the first ones where none does."""
        names = {
            name: service
            for service in self._services.names()
            for name in (service, *texts(self._services.entry(service).get("aliases")))
        }
        parts = [name for name in names if word.casefold() in re.split(r"[ _-]", name)]
        close = parts or get_close_matches(word.casefold(), list(names), n=CHOICES, cutoff=0.7)
        return list(dict.fromkeys(names[name] for name in close))

    def where(self, service: str, places: Sequence[str], base: ContextRef) -> ContextRef:
        """One place to look at: what was said, else what is known, else production."""
        running = self.running(service)
        said = _environments(places) or [base.environment]
        clusters = [place.partition("/")[2] for place in places if "/" in place]
        environment = next((one for one in said if one in running), "")
        if any(said) and said[0] not in running and said[0] != base.environment:
            raise Unclear(f"{service} does not run in {said[0]}. Where do you mean?", list(running))
        environment = environment or next((one for one in running if one.startswith("prod")), "")
        environment = environment or next(iter(running), "")
        known = running.get(environment, [])
        cluster = next(
            (one for one in clusters if one in known), known[0] if len(known) == 1 else ""
        )
        return self._context(service, environment, cluster or next(iter(known), ""), base)

    def _named(self, order: Order, base: ContextRef) -> Sequence[str]:
        if EVERYTHING.search(order.said.casefold()) and not order.services:
            raise Unclear("I act on services by name. Which one?", self._services.names())
        if order.doubt and not order.services:
            raise Unclear(*self.unknown(order.doubt))
        if len(order.services) > 1 and (order.alternative or not order.linked):
            said = [telling.order(order, one, _place_of(order)) for one in order.services]
            raise Unclear(f"Which one: {' or '.join(order.services[:CHOICES])}?", said)
        if order.part and order.services and order.verb is not Verb.ROTATE:
            raise Unclear(
                f"I know {order.services[0]}, but no {order.part} of it. Do you mean "
                f"{order.services[0]} itself?",
                [telling.order(order, order.services[0], _place_of(order))],
            )
        if order.services:
            return order.services
        found = self._services.resolve(base.service) if base.service else None
        if found is None:
            raise Unclear(f"Which service shall I {order.verb}?", self._services.names())
        return (found,)

    def unknown(self, word: str) -> tuple[str, Sequence[str]]:
        """The question about a name that no service has, with the names that look like it."""
        near = self.near(word)
        if near:
            return f"I know no service {word}. Do you mean {' or '.join(near)}?", near
        names = self._services.names()
        listed = ", ".join(names[:20]) or "none"
        return f"I know no service {word}. There are: {listed}.", names

    def _places(self, service: str, order: Order, base: ContextRef) -> list[ContextRef]:
        running = self.running(service)
        environment = self._environment(service, order, base, running)
        clusters = running.get(environment, [])
        said = [place.partition("/")[2] for place in order.places if "/" in place]
        if not said and base.environment == environment and base.cluster in clusters:
            said = [base.cluster]
        without = {place.partition("/")[2] for place in order.excluded if "/" in place}
        if wrong := [one for one in said if one not in clusters]:
            known = [f"{environment}/{one}" for one in clusters]
            raise Unclear(f"{service} does not run in {environment}/{wrong[0]}. Which one?", known)
        chosen = list(dict.fromkeys(said)) or [one for one in clusters if one not in without]
        self._check_namespace(service, order)
        return [self._context(service, environment, one, base) for one in chosen or [""]]

    def _environment(
        self, service: str, order: Order, base: ContextRef, running: dict[str, list[str]]
    ) -> str:
        said = _environments(order.places)
        if len(said) > 1:
            choices = [telling.order(order, service, one) for one in said]
            raise Unclear(f"One environment at a time: {' or '.join(said)}?", choices)
        if said and said[0] not in running:
            text = (
                f"{service} does not run in {said[0]}; it runs in {', '.join(running) or 'none'}."
            )
            raise Unclear(text, list(running))
        if said:
            return said[0]
        clusters = {place[1:] for place in order.places if place.startswith("/")}
        left = [
            one
            for one, known in running.items()
            if one not in _environments(order.excluded) and (not clusters or clusters & set(known))
        ]
        if base.environment in left and not order.excluded:
            return base.environment
        if len(left) == 1:
            return left[0]
        if not left and not running:
            return base.environment
        raise Unclear(f"Which {service}?", left or list(running))

    def _check_namespace(self, service: str, order: Order) -> None:
        has = str(self._services.entry(service).get("namespace", ""))
        if order.namespace and has and order.namespace != has:
            raise Unclear(
                f"{service} is in the namespace {has}, not in {order.namespace}. Do you mean that "
                f"one?"
            )

    def running(self, service: str) -> dict[str, list[str]]:
        """Its environments, each with its clusters."""
        found: dict[str, list[str]] = {}
        for place in texts(self._services.entry(service).get("places")):
            environment, _, cluster = place.partition("/")
            found.setdefault(environment, [])
            found[environment] += [cluster] if cluster else []
        return found

    def _context(
        self, service: str, environment: str, cluster: str, base: ContextRef
    ) -> ContextRef:
        return base.model_copy(
            update={
                "service": service,
                "environment": environment,
                "cluster": cluster,
                "namespace": str(self._services.entry(service).get("namespace", "")),
            }
        )


def _place_of(order: Order) -> str:
    return next(iter(_environments(order.places)), "")


def _environments(places: Sequence[str]) -> list[str]:
    """The environments that are named, each once; a cluster alone names none."""
    found = [place.partition("/")[0] for place in places]
    return list(dict.fromkeys(one for one in found if one))
