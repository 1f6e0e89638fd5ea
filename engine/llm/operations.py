"""What a message comes to: steps, something to look into, a question back, or a refusal."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.domain.context import ContextRef
from engine.domain.plan import DraftStep
from engine.llm import inquiries, telling
from engine.llm.aims import Aim, Refused
from engine.llm.inquiries import About
from engine.llm.means import Means
from engine.llm.orders import Message, orders
from engine.llm.playbooks import Playbook
from engine.llm.reach import Beyond, Why, command, plain
from engine.llm.recipes import Uncounted, steps_of_all
from engine.llm.scopes import CHOICES, Scopes, Unclear
from engine.llm.upkeep import Upkeep
from engine.llm.verbs import Verb
from engine.llm.words import lexicon
from engine.ports import Services

STEPS_AT_MOST = 50


class SketchKind(StrEnum):
    """What a message can become."""

    PLAN = "plan"
    QUESTION = "question"
    ASK = "ask"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Sketch:
    """What was made of a message. `silent`: it asks for nothing that the grammar knows.

    `upkeep`: it is about nodes, pods or alerts, which no playbook is made for. `playbook` is
    the title of the one that it was drafted from.
    """

    kind: SketchKind
    context: ContextRef
    understood: str
    steps: tuple[DraftStep, ...] = ()
    reason: str = ""
    choices: tuple[str, ...] = ()
    title: str = ""
    about: About | None = None
    verbs: frozenset[Verb] = frozenset()
    silent: bool = False
    bare: bool = False
    upkeep: bool = False
    playbook: str = ""


class Operations:
    """Reads messages. `actions` are the names of what can be called: `kubectl.scale`."""

    def __init__(
        self, services: Services, actions: Collection[str], playbooks: Sequence[Playbook] = ()
    ) -> None:
        self._services = services
        self._actions = frozenset(actions)
        self._means = Means(services, self._actions, playbooks)
        self._scopes = Scopes(services)
        self._upkeep = Upkeep(services, self._actions)

    def read(self, text: str, base: ContextRef, *, replicas: int | None = None) -> Sketch:
        """Make of a message what can be made without looking at anything.

        Args:
            text: the message.
            base: what is spoken about unless the message says else.
            replicas: how many of the service run now, where that was looked at.
        """
        if refused := command(text):
            return self._beyond(refused, base)
        message = orders(plain(text), lexicon(self._services))
        try:
            return self._sketch(message, base, replicas)
        except Unclear as question:
            return Sketch(
                SketchKind.ASK,
                self._about(message, base),
                _understood(message),
                reason=str(question),
                choices=question.choices,
                upkeep=bool(message.chores),
            )
        except Refused as refusal:
            return Sketch(
                SketchKind.REFUSE,
                self._about(message, base),
                _understood(message),
                reason=str(refusal),
                upkeep=bool(message.chores),
            )

    def _sketch(self, message: Message, base: ContextRef, replicas: int | None) -> Sketch:
        if message.beyond:
            return self._beyond(message.beyond, self._about(message, base))
        if message.chores:
            return self._kept(message, base)
        if message.orders:
            return self._plan(message, base, replicas)
        if message.waiting:
            raise Unclear(telling.waiting(message.condition))
        if message.questions:
            return self._question(message, base)
        return self._nothing(message, self._about(message, base))

    def _kept(self, message: Message, base: ContextRef) -> Sketch:
        """A plan about nodes, pods and alerts."""
        if message.orders:
            first = [one.said for one in message.chores] + [one.said for one in message.orders]
            raise Unclear("One plan for each, please. Which first?", first)
        if message.condition or message.later:
            raise Unclear(telling.waiting(message.condition or message.later))
        steps: tuple[DraftStep, ...] = ()
        told: list[str] = []
        places: list[ContextRef] = []
        for one in message.chores:
            place = self._upkeep.place(one, base)
            steps += self._upkeep.steps(one, place, len(steps) + 1)
            told.append(self._upkeep.told(one, place))
            places.append(place)
        if len({place.environment for place in places}) > 1:
            raise Unclear("One environment at a time. Which first?", told)
        said = " and ".join(dict.fromkeys(told))
        return Sketch(
            SketchKind.PLAN,
            _common(places),
            f"I understood: {said}.",
            steps,
            title=said[:1].upper() + said[1:],
            upkeep=True,
        )

    def _plan(self, message: Message, base: ContextRef, replicas: int | None) -> Sketch:
        if waits := message.condition or message.later:
            raise Unclear(telling.waiting(waits))
        aims = [
            Aim(order, place, self._services.entry(place.service), self._actions, replicas)
            for order in message.orders
            for place in self._scopes.of(order, base)
        ]
        self._together(aims)
        try:
            steps = steps_of_all(aims)
        except Uncounted as question:
            return self._count(question, aims)
        if len(steps) > STEPS_AT_MOST:
            raise Unclear("That is too much for one plan. What first?")
        told = telling.aims(aims)
        return Sketch(
            SketchKind.PLAN,
            _common([aim.context for aim in aims]),
            f"I understood: {told}.",
            steps,
            title=told[:1].upper() + told[1:],
            verbs=frozenset(aim.order.verb for aim in aims),
        )

    def _count(self, question: Uncounted, aims: Sequence[Aim]) -> Sketch:
        """A number that depends on how many run now: the look that would show it."""
        aim = question.aim
        looks = inquiries.reads(About.REPLICAS, aim.context, aim.entry, self._actions)
        alone = len({one.context.cluster for one in aims}) == 1
        return Sketch(
            SketchKind.ASK,
            _common([one.context for one in aims]),
            f"I understood: {telling.aims(aims)}.",
            looks if alone else (),
            reason=str(question),
        )

    def _together(self, aims: Sequence[Aim]) -> None:
        """One plan holds one environment, and services whose owners are the same people."""
        environments = list(dict.fromkeys(aim.context.environment for aim in aims))
        if len(environments) > 1:
            raise Unclear(f"One environment at a time: {' or '.join(environments)}?", environments)
        owners = {aim.service: frozenset(map(str, _list(aim.entry.get("owners")))) for aim in aims}
        if len(set(owners.values())) > 1:
            said = [telling.order(aim.order, aim.service, aim.context.environment) for aim in aims]
            raise Unclear(
                f"{' and '.join(owners)} have different owners, who each decide: one plan for "
                "each. Which first?",
                list(dict.fromkeys(said)),
            )

    def _question(self, message: Message, base: ContextRef) -> Sketch:
        kind = inquiries.about(" ".join(one.text for one in message.questions))
        if kind in (About.ABILITIES, About.WAYS):
            context = self._about(message, base)
            asked = telling.asked(kind, context.service)
            able = telling.abilities(self._means.verbs(), self._upkeep.able())
            return Sketch(SketchKind.QUESTION, context, asked, reason=able, about=kind)
        names = message.services or ((base.service,) if base.service else ())
        if not names:
            return self._of_environment(message, kind, base)
        steps: tuple[DraftStep, ...] = ()
        told = []
        for name in names[:CHOICES]:
            place = self._scopes.where(name, message.places, base)
            steps += inquiries.reads(kind, place, self._services.entry(name), self._actions)
            told.append(inquiries.known(kind, name, self._services))
        place = self._scopes.where(names[0], message.places, base)
        return Sketch(
            SketchKind.QUESTION,
            place,
            telling.asked(kind, " and ".join(names)),
            steps,
            reason=" ".join(filter(None, told)),
            about=kind,
        )

    def _of_environment(self, message: Message, kind: About, base: ContextRef) -> Sketch:
        """A question about no service in particular, so about all that run there."""
        text = " ".join(one.text for one in message.questions)
        if unknown := inquiries.unknown(text):
            raise Unclear(*self._scopes.unknown(unknown))
        if not inquiries.concerns(text):
            return self._nothing(Message(), base)
        environment = next((place.split("/")[0] for place in message.places if place[0] != "/"), "")
        steps: tuple[DraftStep, ...] = ()
        for name in self._services.names():
            places = [str(place) for place in _list(self._services.entry(name).get("places"))]
            if environment and not any(place.split("/")[0] == environment for place in places):
                continue
            place = self._scopes.where(name, message.places, base)
            steps += inquiries.reads(kind, place, self._services.entry(name), self._actions)[:1]
        context = base.model_copy(update={"environment": environment or base.environment})
        names = ", ".join(self._services.names())
        reason = f"The services are {names}." if kind is About.PLACES else ""
        return Sketch(
            SketchKind.QUESTION,
            context,
            telling.asked(kind, environment or "all services"),
            steps[:12],
            reason=reason,
            about=kind,
        )

    def _nothing(self, message: Message, context: ContextRef) -> Sketch:
        """Nothing to do: ask what is wanted, with what there is to be done."""
        name = context.service
        able = [verb for verb in Verb if name and self._means.carry(verb, name)]
        choices = telling.choices(name, context.environment, able) if name else ()
        if message.symptom:
            told = f"{name or 'something'} is not well"
            reason = f"What shall I do{f' with {name}' if name else ''}? I can look into it first."
            return Sketch(
                SketchKind.ASK, context, f"I understood: {told}.", reason=reason, choices=choices
            )
        if message.negated:
            told = f"I understood what is not wanted: {message.negated[0][:120]}."
            return Sketch(
                SketchKind.ASK, context, told, reason="What shall I do instead?", choices=choices
            )
        reason = f"What shall I do{f' with {name}' if name else ''}?"
        return Sketch(
            SketchKind.ASK,
            context,
            telling.NOTHING,
            reason=reason,
            choices=choices,
            silent=True,
            bare=message.bare,
        )

    def _beyond(self, refused: Beyond, context: ContextRef) -> Sketch:
        understood = f"I understood: {refused.thing}."
        reason = telling.refusal(refused, self._means.verbs(), self._upkeep.able())
        name = context.service
        if refused.why is Why.PODS and name and self._means.carry(Verb.RESTART, name):
            reason = f"{reason} {telling.RESTART_INSTEAD}"
            choices = telling.restarted(context)
            return Sketch(SketchKind.ASK, context, understood, reason=reason, choices=choices)
        return Sketch(SketchKind.REFUSE, context, understood, reason=reason)

    def _about(self, message: Message, base: ContextRef) -> ContextRef:
        """What a message is about as far as it is known, for who reads the answer."""
        first = message.orders[0] if message.orders else None
        names = first.services if first else message.services
        places = first.places if first else message.places
        without = first.excluded if first else ()
        said = {place.partition("/")[0] for place in places if place not in without} - {""}
        update = {}
        if len(names) == 1:
            entry = self._services.entry(names[0])
            update = {"service": names[0], "namespace": str(entry.get("namespace", ""))}
        if len(said) == 1:
            update["environment"] = said.pop()
        return base.model_copy(update=update)


def _understood(message: Message) -> str:
    said = "; ".join(one.said for one in message.chores)
    return f"I understood: {said}." if said else telling.orders(message.orders) or telling.NOTHING


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _common(places: Sequence[ContextRef]) -> ContextRef:
    """The context of a whole plan: what its places have in common, its first service's else."""
    first = places[0]
    if len({place.cluster for place in places}) > 1:
        return first.model_copy(update={"cluster": ""})
    return first
