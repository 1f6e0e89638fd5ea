"""What can be done here: which orders the connected tools and the playbooks carry."""

from collections.abc import Collection, Mapping, Sequence

from engine.domain.context import ContextRef
from engine.domain.model import Json
from engine.domain.placeholders import known
from engine.llm.aims import Aim, Refused
from engine.llm.amounts import Amount
from engine.llm.playbooks import Does, Playbook
from engine.llm.recipes import steps_of
from engine.llm.scopes import Unclear
from engine.llm.slots import Order
from engine.llm.verbs import Verb
from engine.ports import Services

SAMPLES: Mapping[Verb, Order] = {
    Verb.RESTART: Order(Verb.RESTART, "restart"),
    Verb.SCALE: Order(Verb.SCALE, "scale", amount=Amount(to="2")),
    Verb.ROLL_BACK: Order(Verb.ROLL_BACK, "roll back"),
    Verb.DEPLOY: Order(Verb.DEPLOY, "deploy", version="1.0.0"),
    Verb.SYNC: Order(Verb.SYNC, "sync"),
    Verb.SET: Order(Verb.SET, "set", key="setting", value="1"),
    Verb.ROTATE: Order(Verb.ROTATE, "rotate"),
    Verb.PAUSE: Order(Verb.PAUSE, "pause"),
    Verb.RESUME: Order(Verb.RESUME, "resume"),
}
DOES = {Verb.ROLL_BACK: Does.ROLL_BACK, Verb.SET: Does.SET_VALUE}


class Means:
    """`actions` are the names of what can be called; a playbook carries what it is made for."""

    def __init__(
        self, services: Services, actions: Collection[str], playbooks: Sequence[Playbook] = ()
    ) -> None:
        self._services = services
        self._actions = actions
        self._playbooks = tuple(playbooks)

    def carry(self, verb: Verb, service: str) -> bool:
        """Whether such an order about this service could become a plan."""
        entry = self._services.entry(service)
        return self._by_playbook(verb, entry) or self._by_recipe(verb, service, entry)

    def verbs(self) -> tuple[Verb, ...]:
        """What can be done with at least one service; all that there is where none is known."""
        names = self._services.names()
        if not names:
            return tuple(SAMPLES)
        return tuple(verb for verb in SAMPLES if any(self.carry(verb, name) for name in names))

    def _by_playbook(self, verb: Verb, entry: dict[str, Json]) -> bool:
        for playbook in self._playbooks:
            needs = [path for path in playbook.needs if path.startswith("service.")]
            if playbook.does is DOES.get(verb) and all(
                known(path, {"service": entry}) for path in needs
            ):
                return True
        return False

    def _by_recipe(self, verb: Verb, service: str, entry: dict[str, Json]) -> bool:
        place = ContextRef(service=service)
        try:
            return bool(steps_of(Aim(SAMPLES[verb], place, entry, self._actions), 1))
        except Refused:
            return False
        except Unclear:
            return True
