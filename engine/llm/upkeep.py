"""From an order about nodes, pods or alerts to its steps: where it acts, and how it is seen."""

from collections.abc import Collection, Iterator, Sequence

from engine.domain.call import Comparison, Expectation
from engine.domain.context import ContextRef
from engine.domain.model import Json
from engine.domain.plan import DraftStep
from engine.llm import telling
from engine.llm.aims import KINDS, Refused
from engine.llm.chores import ALERTS, NODES, ORDINAL, SILENCE_ID, Chore, Deed
from engine.llm.scopes import Scopes, Unclear
from engine.ports import Services

ROLLOUT_SECONDS, LOOK_SECONDS = 600, 30
SPANS = ("30m", "2h", "8h")
ACTIONS = {
    Deed.DRAIN: "kubectl.drain",
    Deed.CORDON: "kubectl.cordon",
    Deed.UNCORDON: "kubectl.uncordon",
    Deed.DELETE_POD: "kubectl.delete_pod",
    Deed.SILENCE: "alertmanager.silence",
    Deed.END_SILENCE: "alertmanager.expire_silence",
}
ABLE = (
    (Deed.DRAIN, "drain a node"),
    (Deed.CORDON, "cordon a node"),
    (Deed.DELETE_POD, "delete a pod"),
    (Deed.SILENCE, "silence alerts"),
)
COMMENT = "Asked for in a chat thread, and approved there."


class Upkeep:
    """`actions` are the names of what can be called."""

    def __init__(self, services: Services, actions: Collection[str]) -> None:
        self._services = services
        self._actions = actions
        self._scopes = Scopes(services)

    def able(self) -> tuple[str, ...]:
        """What the connected tools can do of it, in words."""
        return tuple(said for deed, said in ABLE if ACTIONS[deed] in self._actions)

    def place(self, chore: Chore, base: ContextRef) -> ContextRef:
        """Where it acts.

        Raises:
            Unclear: something must be asked for.
            Refused: no connected tool does it.
        """
        if ACTIONS[chore.deed] not in self._actions:
            raise Refused(f"I can't {chore.said}: no tool covers it.")
        if chore.waits:
            raise Unclear(telling.waiting(chore.waits))
        if chore.deed in ALERTS:
            return self._of_alerts(chore, base)
        if not chore.names:
            verb = chore.deed.split()[0]
            raise Unclear(f"Which node shall I {verb}? Name it as the cluster does.")
        return self._cluster(chore, base)

    def steps(self, chore: Chore, place: ContextRef, first: int) -> tuple[DraftStep, ...]:
        """`first` is the number of the first of them. Raises `Unclear`, `Refused`."""
        if chore.deed is Deed.SILENCE:
            return tuple(self._silenced(chore, place))
        if chore.deed is Deed.END_SILENCE:
            return tuple(self._ended(chore, place, first))
        made = [
            step
            for name in chore.names
            for step in (
                self._pod(name, place) if chore.deed is Deed.DELETE_POD else _node(chore, name)
            )
        ]
        return tuple(step.model_copy(update={"context": place}) for step in made)

    def told(self, chore: Chore, place: ContextRef) -> str:
        """`drain node worker-3 in prod/eu-1`."""
        if chore.deed in NODES or chore.deed is Deed.DELETE_POD:
            return f"{chore.deed} {_and(chore.names)}{_where(place)}"
        if any(SILENCE_ID.fullmatch(name) for name in chore.names):
            return f"end the silence {_and(chore.names)}"
        said = " and ".join(_and(_matchers(chore, place, name)) for name in chore.names or ("",))
        return f"{chore.deed} {said}" + (f" for {chore.lasting}" if chore.lasting else "")

    # Nodes and pods

    def _cluster(self, chore: Chore, base: ContextRef) -> ContextRef:
        service = self._owner(chore)
        running = self._running(service)
        fitting = [
            (environment, cluster)
            for environment, clusters in running.items()
            for cluster in clusters or [""]
            if _said(chore.places, environment, cluster)
        ]
        if not chore.places and base.environment:
            here = [one for one in fitting if one[0] == base.environment]
            fitting = [one for one in here if one[1] == base.cluster] or here or fitting
        if not fitting and running:
            said = " or ".join(chore.places)
            text = f"{service} does not run in {said}" if service else f"I know no place {said}"
            raise Unclear(f"{text}. Where is {_and(chore.names)}?", list(running))
        if len(fitting) > 1:
            said = f"{chore.deed} {_and(chore.names)}"
            places = ["/".join(filter(None, one)) for one in fitting]
            raise Unclear(
                f"In which cluster is {_and(chore.names)}?",
                [f"{said} in {place}" for place in places],
            )
        environment, cluster = fitting[0] if fitting else (base.environment, base.cluster)
        return base.model_copy(
            update={
                "environment": environment,
                "cluster": cluster,
                "service": service,
                "namespace": self._namespace(chore, service, base),
            }
        )

    def _running(self, service: str) -> dict[str, list[str]]:
        """The places of one service, else of all that are known."""
        found: dict[str, list[str]] = {}
        for name in [service] if service else self._services.names():
            for environment, clusters in self._scopes.running(name).items():
                known = found.setdefault(environment, [])
                known += [one for one in clusters if one not in known]
        return found

    def _owner(self, chore: Chore) -> str:
        """The service that a pod belongs to, by its name, or by what was said with it."""
        if chore.deed in NODES:
            return ""
        owners = {self._by_name(name) for name in chore.names} - {""}
        if len(owners) > 1:
            raise Unclear(f"These pods are of {_and(sorted(owners))}. Which one first?")
        return next(iter(owners), "") or next(iter(chore.services), "")

    def _by_name(self, pod: str) -> str:
        known = {name: name for name in self._services.names()}
        fits = [
            name
            for name in known
            if pod.startswith(f"{name}-")
            and (not ORDINAL.fullmatch(pod) or pod.rsplit("-", 1)[0] == name)
        ]
        return max(fits, key=len, default="")

    def _namespace(self, chore: Chore, service: str, base: ContextRef) -> str:
        if chore.deed in NODES:
            return ""
        of_service = str(self._services.entry(service).get("namespace", "")) if service else ""
        found = chore.namespace or of_service or base.namespace
        if not found:
            pods = _and(chore.names)
            raise Unclear(f"In which namespace is the pod {pods}? Say it with the namespace.")
        return found

    def _pod(self, name: str, place: ContextRef) -> Iterator[DraftStep]:
        where = _where(place)
        yield _step("kubectl.delete_pod", {"name": name}, f"Delete pod {name}{where}")
        kind = str(self._services.entry(place.service).get("kind", "")) if place.service else ""
        if kind in KINDS:
            yield _step(
                "kubectl.rollout_status",
                {"kind": kind, "name": place.service},
                f"Check that {place.service} has all of its pods{where}",
                Expectation(
                    output="complete",
                    value="yes",
                    within_seconds=ROLLOUT_SECONDS,
                    label="rollout complete",
                ),
            )

    # Alerts

    def _of_alerts(self, chore: Chore, base: ContextRef) -> ContextRef:
        found = [one for one in chore.services if self._services.resolve(one)]
        if len(found) > 1:
            raise Unclear("One service at a time.", [f"{chore.deed} {one}" for one in found])
        known = bool(chore.names or chore.labels or found)
        if chore.doubt and not known:
            if self._scopes.near(chore.doubt):
                raise Unclear(*self._scopes.unknown(chore.doubt))
            raise Refused(f"I can't {chore.said}: no tool covers it.")
        if not known:
            choices = _choices(chore, base.service) if base.service else ()
            raise Unclear("Which alert? Name it as it is written, or name the service.", choices)
        environments = {place.partition("/")[0] for place in chore.places} - {""}
        if len(environments) > 1:
            raise Unclear("One environment at a time.", sorted(environments))
        place = base.model_copy(
            update={
                "service": found[0] if found else "",
                "environment": next(iter(environments), base.environment),
                "cluster": "",
                "namespace": "",
            }
        )
        if chore.deed is Deed.SILENCE and not chore.lasting:
            said = _and(_matchers(chore, place))
            text = f"For how long shall I silence {said}? A week at most."
            raise Unclear(text, _choices(chore, found[0] if found else ""))
        return place

    def _silenced(self, chore: Chore, place: ContextRef) -> Iterator[DraftStep]:
        for name in chore.names or ("",):
            matchers = _matchers(chore, place, name)
            given: dict[str, Json] = dict(zip(("matchers", "and"), matchers, strict=False))
            said = _and(matchers)
            silence: dict[str, Json] = {**given, "duration": chore.lasting, "comment": COMMENT}
            title = f"Silence alerts with {said} for {chore.lasting}"
            yield _in(place, _step("alertmanager.silence", silence, title))
            yield _in(
                place, _look(matchers[0], Comparison.AT_LEAST, f"Check that {said} is silent")
            )

    def _ended(self, chore: Chore, place: ContextRef, first: int) -> Iterator[DraftStep]:
        """By its id; else by the one silence that matches, which is read first."""
        at = first
        for name in chore.names or ("",):
            if SILENCE_ID.fullmatch(name):
                title = f"End the silence {name}"
                yield _in(place, _step("alertmanager.expire_silence", {"id": name}, title))
                at += 1
                continue
            matcher = _matchers(chore, place, name)[0]
            title = f"Read the one silence for {matcher}"
            yield _in(place, _look(matcher, Comparison.EQUALS, title))
            title = f"End the silence for {matcher}"
            given: dict[str, Json] = {"id": f"{{steps.{at}.id}}"}
            yield _in(place, _step("alertmanager.expire_silence", given, title))
            title = f"Check that nothing silences {matcher}"
            yield _in(place, _look(matcher, Comparison.EQUALS, title, "0"))
            at += 3


def _said(places: Sequence[str], environment: str, cluster: str) -> bool:
    """Whether these words for a place mean this one."""
    environments = {place.partition("/")[0] for place in places} - {""}
    clusters = {place.partition("/")[2] for place in places} - {""}
    return (not environments or environment in environments) and (
        not clusters or cluster in clusters
    )


def _matchers(chore: Chore, place: ContextRef, name: str = "") -> tuple[str, ...]:
    """The conditions on alerts; the tool takes two. Raises `Unclear`."""
    name = name or next(iter(chore.names), "")
    found = [f"alertname={name}"] if name else []
    found += chore.labels
    found += [f"service={place.service}"] if place.service else []
    said = {one.partition("/")[0] for one in chore.places} - {""}
    found += [f"environment={one}" for one in sorted(said)]
    if len(found) > 2:
        pairs = (found[:2], [found[0], found[2]])
        raise Unclear(
            "I can match two things at a time: the name of the alert, the service, the "
            "environment. Which two?",
            [f"{chore.deed} {_and(pair)} for {chore.lasting or '2h'}" for pair in pairs],
        )
    return tuple(found)


def _choices(chore: Chore, service: str) -> tuple[str, ...]:
    what = _and(chore.names) or _and(chore.labels) or f"the alerts of {service}"
    if chore.names and service:
        what += f" of {service}"
    where = "".join(f" in {place}" for place in chore.places[:1])
    if chore.deed is Deed.END_SILENCE:
        return (f"end the silence of {what}{where}",)
    return tuple(f"silence {what}{where} for {span}" for span in SPANS)


def _node(chore: Chore, name: str) -> Iterator[DraftStep]:
    verb = chore.deed.split()[0].capitalize()
    yield _step(ACTIONS[chore.deed], {"node": name}, f"{verb} node {name}")
    free = chore.deed is Deed.UNCORDON
    yield _step(
        "kubectl.get",
        {"kind": "node", "name": name},
        f"Check that {name} takes {'pods again' if free else 'no new pods'}",
        Expectation(
            output="unschedulable",
            comparison=Comparison.DIFFERS if free else Comparison.EQUALS,
            value="true",
            within_seconds=LOOK_SECONDS,
            label="unschedulable",
        ),
    )


def _look(matcher: str, comparison: Comparison, title: str, count: str = "1") -> DraftStep:
    """A look at how many silences have a condition."""
    expect = Expectation(
        output="silences",
        comparison=comparison,
        value=count,
        within_seconds=LOOK_SECONDS,
        label="silences",
    )
    return _step("alertmanager.silences", {"matcher": matcher}, title, expect)


def _step(
    name: str, given: dict[str, Json], title: str, expect: Expectation | None = None
) -> DraftStep:
    tool, _, action = name.partition(".")
    return DraftStep(tool=tool, action=action, input=given, title=title, expect=expect)


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)


def _in(place: ContextRef, step: DraftStep) -> DraftStep:
    return step.model_copy(update={"context": place})


def _where(place: ContextRef) -> str:
    where = "/".join(filter(None, (place.environment, place.cluster)))
    return f" in {where}" if where else ""
