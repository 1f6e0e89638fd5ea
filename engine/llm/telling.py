"""The sentences about orders: what was understood, what can't be had, what could be done."""

from collections.abc import Sequence

from engine.domain.context import ContextRef
from engine.llm.aims import Aim
from engine.llm.inquiries import About
from engine.llm.reach import Beyond, Why
from engine.llm.slots import Order
from engine.llm.verbs import Verb

NOTHING = "I found no order and no question that I know."
LOOKS = "I look at services (health, changes, logs, replicas, owners)"
DEEDS = {
    Verb.RESTART: "restart",
    Verb.SCALE: "scale",
    Verb.ROLL_BACK: "roll back",
    Verb.DEPLOY: "deploy a version",
    Verb.SYNC: "sync",
    Verb.SET: "set a value",
    Verb.ROTATE: "rotate credentials",
    Verb.PAUSE: "pause a rollout",
    Verb.RESUME: "resume a rollout",
}
WHY_NOT = {
    Why.GUARD: "Approvals, policy and audit can't be switched off by words.",
    Why.DECISION: "Words don't decide. Use the buttons; nobody approves their own plan.",
    Why.SHOWN: "I never show secrets.",
    Why.DESTROYS: "Nothing is deleted here.",
    Why.PODS: "I delete a pod only by its name.",
    Why.STOPS: "I don't switch services off.",
    Why.COMMAND: "That holds parts of a command line, which I never run. Say it in plain words.",
}
INSTEAD = {
    Why.SHOWN: (Verb.ROTATE, "I can rotate the credentials of a service."),
    Why.STOPS: (Verb.SCALE, "I can scale one down to a number that you name."),
}
RESTART_INSTEAD = "Shall I restart the whole service instead?"


def refusal(beyond: Beyond, able: Sequence[Verb], upkeep: Sequence[str] = ()) -> str:
    """Why something can't be had, and the way out that there is here.

    `upkeep` is what can be done to nodes, pods and alerts.
    """
    parts = [WHY_NOT[beyond.why]] if beyond.why in WHY_NOT else []
    if beyond.why in (Why.NO_TOOL, Why.DESTROYS):
        parts = [f"I can't {beyond.thing}: no tool covers it.", *parts, way_out(able, upkeep)]
    verb, instead = INSTEAD.get(beyond.why, (None, ""))
    if verb in able:
        parts.append(instead)
    return " ".join(filter(None, parts))


def way_out(able: Sequence[Verb], upkeep: Sequence[str]) -> str:
    """What can be done here."""
    deeds = [*(DEEDS[verb] for verb in able), *upkeep]
    return f"I can {_or(deeds)}." if deeds else ""


def abilities(able: Sequence[Verb], upkeep: Sequence[str]) -> str:
    """The answer to "what can you do?"."""
    deeds = [*(DEEDS[verb] for verb in able), *upkeep]
    if not deeds:
        return f"{LOOKS}. No connected tool changes anything."
    return f"{LOOKS} and draft plans: {', '.join(deeds)}. Somebody else approves them."


def waiting(words: str) -> str:
    """Why an order that waits for something is not drafted."""
    return (
        f'A plan starts when it is approved and can not wait ("{words}"). Shall I draft it for now?'
    )


def aims(found: Sequence[Aim]) -> str:
    """All orders of a plan as one sentence without its dot."""
    told: dict[tuple[str, str, str], list[str]] = {}
    for aim in found:
        clusters = told.setdefault((_deed(aim.order, aim.service), aim.context.environment, ""), [])
        clusters += [aim.context.cluster] if aim.divided else []
    parts = []
    for (deed, environment, _), clusters in told.items():
        where = f" in {environment}" if environment else ""
        parts.append(f"{deed}{where}{f' ({_and(clusters)})' if clusters else ''}")
    return _and(parts)


def order(one: Order, service: str, environment: str) -> str:
    """One order as somebody could say it."""
    return f"{_deed(one, service)}{f' in {environment}' if environment else ''}"


def orders(found: Sequence[Order]) -> str:
    """Orders as far as they were understood."""
    if not found:
        return ""
    told = [
        order(one, " and ".join(one.services) or "a service", _environment(one)) for one in found
    ]
    return f"I understood: {_and(told)}."


def asked(about: About, name: str) -> str:
    """What a question asks."""
    return f"You ask {about.value}{f': {name}' if name else ''}."


def restarted(context: ContextRef) -> tuple[str, ...]:
    """How somebody would ask for a restart instead."""
    where = f" in {context.environment}" if context.environment else ""
    return (f"restart {context.service}{where}",)


def choices(service: str, environment: str, able: Sequence[Verb]) -> tuple[str, ...]:
    """What could be said about a service that is not well; only what can be done with it."""
    where = f" in {environment}" if environment else ""
    offered = [verb for verb in (Verb.ROLL_BACK, Verb.RESTART) if verb in able]
    return (
        f"why is {service} failing{where}?",
        f"what changed in {service}?",
        *(f"{verb} {service}{where}" for verb in offered),
    )


def _environment(one: Order) -> str:
    return next((place.split("/")[0] for place in one.places if place[0] != "/"), "")


def _deed(one: Order, service: str) -> str:
    what = one.image or one.version or one.revision[:7] or one.number
    if one.verb is Verb.SCALE:
        return f"scale {service}{_count(one)}"
    if one.verb is Verb.SET:
        return f"set {one.key or 'a setting'} of {service}{f' to {one.value}' if one.value else ''}"
    if one.verb is Verb.ROLL_BACK:
        return f"roll back {service}{f' to {what}' if what else ''}"
    if one.verb is Verb.DEPLOY:
        return f"deploy {what or 'a version'} of {service}"
    if one.verb is Verb.ROTATE:
        return f"rotate the credentials of {service}"
    if one.verb in (Verb.PAUSE, Verb.RESUME):
        return f"{one.verb} the rollout of {service}"
    return f"{one.verb} {service}"


def _count(one: Order) -> str:
    if one.amount.to:
        return f" to {one.amount.to}"
    if one.amount.by:
        return f" by {one.amount.by:+d}"
    return f" by a factor of {one.amount.factor:g}" if one.amount.factor else ""


def _and(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _or(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} or {names[-1]}"
