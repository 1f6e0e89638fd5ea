"""From an order and its place to steps: which tool carries it, what it writes, how it is seen.

What the services file says about a service decides: `helm`, then `gitops`, then its Kubernetes
kind. Every write is followed by a look whose result must hold.
"""

import re
from collections.abc import Callable, Sequence

from engine.domain.call import Comparison, Expectation
from engine.domain.model import Json
from engine.domain.plan import DraftStep
from engine.llm import repository
from engine.llm.aims import KINDS, Aim, Refused
from engine.llm.scopes import Unclear
from engine.llm.slots import Order
from engine.llm.verbs import Verb

LARGEST = 100
WHOLE_COMMIT = 40
ROLLOUT_SECONDS = 600
RESOURCES = re.compile(r"(?:^|_)(?:cpus?|memory|ram|disk|storage|volume)(?:_|$)")
# Tools of a cluster; the others are there once for all.
CLUSTERED = frozenset({"kubectl", "helm"})


class Uncounted(Unclear):
    """The number depends on how many run now, and nobody has looked."""

    def __init__(self, text: str, aim: Aim) -> None:
        super().__init__(text)
        self.aim = aim


def steps_of_all(aims: Sequence[Aim]) -> tuple[DraftStep, ...]:
    """The steps of all orders at all places, one after the other.

    A repository, an application and a role are there once however many clusters a service has.

    Raises:
        Refused: an order can't become a plan.
        Unclear: something must be asked for.
    """
    steps: tuple[DraftStep, ...] = ()
    done: set[tuple[Order, str]] = set()
    for aim in aims:
        made = steps_of(aim, len(steps) + 1)
        if (aim.order, aim.service) in done:
            made = tuple(step for step in made if step.tool in CLUSTERED)
        done.add((aim.order, aim.service))
        steps += made
    return steps


def steps_of(aim: Aim, first: int) -> tuple[DraftStep, ...]:
    """The steps of one order at one place; `first` is the number of the first of them.

    Raises:
        Refused: the order can't become a plan.
        Unclear: something must be asked for.
    """
    return tuple(RECIPES[aim.order.verb](aim, first))


def _restart(aim: Aim, first: int) -> Sequence[DraftStep]:
    del first
    title = f"Restart {aim.service} in {aim.place}, one pod after the other"
    return [aim.step("kubectl.rollout_restart", aim.workload, title), _rolled(aim)]


def _scale(aim: Aim, first: int) -> Sequence[DraftStep]:
    del first
    count = replicas(aim)
    title = f"Scale {aim.service} to {count} in {aim.place}"
    given = {**aim.workload, "replicas": count}
    return [aim.step("kubectl.scale", given, title), _rolled(aim)]


def replicas(aim: Aim) -> int:
    """How many replicas an order means. Raises `Unclear` where that has to be asked."""
    asked, service = aim.order.amount, aim.service
    if asked.several:
        raise Unclear(f"You name more than one number. To how many shall I scale {service}?")
    if asked.to:
        return _bounded(asked.to, service)
    if aim.replicas is None:
        unknown = " I did not see how many it has now." if asked.told else ""
        text = f"To how many replicas shall I scale {service}?{unknown}"
        raise Uncounted(text, aim) if asked.told else Unclear(text)
    if not asked.told:
        text = f"{service} has {aim.replicas}. To how many shall I scale it?"
        raise Unclear(text)
    wanted = aim.replicas * asked.factor if asked.factor else aim.replicas + asked.by
    return _bounded(str(int(wanted)), service)


def _bounded(text: str, service: str) -> int:
    if not text.removeprefix("+").isdecimal():
        raise Unclear(f"{text[:20]} is no number of replicas. To how many shall I scale {service}?")
    count = int(text)
    if count > LARGEST:
        raise Unclear(
            f"{count} replicas of {service} are more than the {LARGEST} that I draft. How many?"
        )
    return count


def _roll_back(aim: Aim, first: int) -> Sequence[DraftStep]:
    order = aim.order
    if order.version or order.image:
        return _deploy(aim, first)
    if release := aim.told("helm", "release"):
        return _release_back(aim, release, first)
    if order.revision and not aim.entry.get("gitops"):
        raise Unclear(
            f"{aim.service} has no repository in the services file, so a commit says nothing. "
            f"Which version or revision number of {aim.service} shall I go back to?"
        )
    if aim.entry.get("gitops") and not (order.number and _revision(order)):
        back = repository.restored if order.revision else repository.reverted
        return [*back(aim, first), *_followed(aim)]
    given = dict(aim.workload)
    if number := _revision(order):
        given["revision"] = number
    title = f"Roll {aim.service} back in {aim.place}"
    return [aim.step("kubectl.rollout_undo", given, title), _rolled(aim)]


def _release_back(aim: Aim, release: str, first: int) -> Sequence[DraftStep]:
    """To the revision that was named, else to the one before, which is read first."""
    named = _revision(aim.order)
    back: dict[str, Json] = {"release": release}
    read = aim.step("helm.history", dict(back), f"Read the revisions of the release {release}")
    back["revision"] = named or f"{{steps.{first}.previous}}"
    title = f"Roll back the release {release} in {aim.place}"
    steps = [aim.step("helm.rollback", back, title), _released(aim, release)]
    return steps if named else [read, *steps]


def _revision(order: Order) -> int:
    """The revision number of an order; zero is "the one before"."""
    if not order.number:
        return 0
    if not order.number.isdecimal() or not 0 < int(order.number) < 100_000:
        raise Unclear(f"{order.number[:20]} is no revision. Which one?")
    return int(order.number)


def _deploy(aim: Aim, first: int) -> Sequence[DraftStep]:
    order, service = aim.order, aim.service
    version = order.version or order.revision or _decimal(order.number)
    if order.number and not (version or order.image):
        where = f" in {aim.context.environment}" if aim.context.environment else ""
        raise Unclear(
            f"Is {order.number} a version of {service}, or how many shall run?",
            [
                f"deploy version {order.number} of {service}{where}",
                f"scale {service} to {order.number}{where}",
            ],
        )
    if not (version or order.image):
        latest = f" {service} has to be deployed by its version." if order.moving else ""
        raise Unclear(f"Which version of {service}?{latest}")
    if release := aim.told("helm", "release"):
        if not version:
            raise Refused(f"{service} is installed by Helm: name a chart version, not an image.")
        given: dict[str, Json] = {
            "release": release,
            "chart": aim.told("helm", "chart"),
            "version": version.removeprefix("v"),
        }
        title = f"Upgrade the release {release} to {version} in {aim.place}"
        return [aim.step("helm.upgrade", given, title), _released(aim, release)]
    if order.by_helm:
        raise Refused(f"I can't {order.said}: {service} has no `helm` entry in the services file.")
    if aim.entry.get("gitops") and version:
        return [
            *repository.written(aim, first, *repository.tag(aim, version)),
            *_followed(aim),
        ]
    image = order.image or f"{aim.entry.get('image') or service}:{version}"
    title = f"Run {image} as {service} in {aim.place}"
    given = {
        **aim.workload,
        "container": str(aim.entry.get("container") or service),
        "image": image,
    }
    return [aim.step("kubectl.set_image", given, title), _rolled(aim)]


def _decimal(number: str) -> str:
    """A version like 1.4 reads as a number; a bare count does not name a version."""
    return number if "." in number and number.replace(".", "").isdecimal() else ""


def _sync(aim: Aim, first: int) -> Sequence[DraftStep]:
    del first
    application = aim.told("argocd", "application")
    if not application and aim.entry.get("gitops"):
        application = aim.service
    if not application:
        raise Refused(
            f"I can't sync {aim.service}: its entry in the services file has neither `argocd` "
            "nor `gitops`, so nothing follows a repository."
        )
    given: dict[str, Json] = {"application": application}
    if aim.order.revision:
        if len(aim.order.revision) != WHOLE_COMMIT:
            raise Unclear(f"{aim.order.revision} is a short commit id. What is the whole one?")
        given["revision"] = aim.order.revision
    title = f"Sync {application} in {aim.place}"
    return [aim.step("argocd.sync", given, title), _synced(aim, application)]


def _set(aim: Aim, first: int) -> Sequence[DraftStep]:
    order = aim.order
    if not order.key:
        raise Unclear(f"Which setting of {aim.service}, and to what?")
    if RESOURCES.search(order.key):
        raise Refused(f"I can't {order.said}: no tool covers it.")
    if order.guessed:
        raise Unclear(
            f"Which key in the settings of {aim.service} is {order.key.replace('_', ' ')!r}?",
            [f"set {order.key} to {order.value} for {aim.service} in {aim.context.environment}"],
        )
    if not order.value:
        raise Unclear(f"To what shall I set {order.key} of {aim.service}?")
    if not aim.entry.get("gitops"):
        raise Refused(
            f"I can't set {order.key} of {aim.service}: its entry in the services file has no "
            "`gitops`, so I know no repository with its settings."
        )
    return [*repository.written(aim, first, order.key, order.value), *_followed(aim)]


def _rotate(aim: Aim, first: int) -> Sequence[DraftStep]:
    del first
    if aim.order.part:
        raise Unclear(
            f"I rotate the database credentials that Vault issues to {aim.service}; no tool covers "
            f"{aim.order.part}. Shall I rotate those credentials?",
            [f"rotate the database credentials of {aim.service} in {aim.context.environment}"],
        )
    role = aim.told("vault", "role") or aim.service
    title = f"Rotate the credentials of {aim.service} in {aim.place}"
    restart = f"Restart {aim.service} in {aim.place}, so that it takes the new credentials"
    return [
        aim.step("vault.rotate_role", {"role": role}, title),
        aim.step("kubectl.rollout_restart", aim.workload, restart),
        _rolled(aim),
    ]


def _pause(aim: Aim, first: int) -> Sequence[DraftStep]:
    del first
    title = f"Pause the rollout of {aim.service} in {aim.place}"
    return [aim.step("kubectl.rollout_pause", aim.workload, title)]


def _resume(aim: Aim, first: int) -> Sequence[DraftStep]:
    del first
    title = f"Resume the rollout of {aim.service} in {aim.place}"
    return [aim.step("kubectl.rollout_resume", aim.workload, title), _rolled(aim)]


def _followed(aim: Aim) -> list[DraftStep]:
    """How a change in a repository is seen to have arrived."""
    return [_rolled(aim)] if aim.kind in KINDS else []


def _rolled(aim: Aim) -> DraftStep:
    expect = Expectation(
        output="complete", value="yes", within_seconds=ROLLOUT_SECONDS, label="rollout complete"
    )
    title = f"Check that {aim.service} is rolled out in {aim.place}"
    return aim.step("kubectl.rollout_status", aim.workload, title, expect)


def _released(aim: Aim, release: str) -> DraftStep:
    expect = Expectation(
        output="status", value="deployed", within_seconds=ROLLOUT_SECONDS, label="release"
    )
    title = f"Check that the release {release} is deployed in {aim.place}"
    return aim.step("helm.status", {"release": release}, title, expect)


def _synced(aim: Aim, application: str) -> DraftStep:
    expect = Expectation(
        output="health",
        comparison=Comparison.EQUALS,
        value="Healthy",
        within_seconds=ROLLOUT_SECONDS,
        label="health",
    )
    title = f"Check that {application} is healthy in {aim.place}"
    return aim.step("argocd.get", {"application": application}, title, expect)


RECIPES: dict[Verb, Callable[[Aim, int], Sequence[DraftStep]]] = {
    Verb.RESTART: _restart,
    Verb.SCALE: _scale,
    Verb.ROLL_BACK: _roll_back,
    Verb.DEPLOY: _deploy,
    Verb.SYNC: _sync,
    Verb.SET: _set,
    Verb.ROTATE: _rotate,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
}
