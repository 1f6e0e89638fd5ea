"""Questions: what is asked about a service, the reads that show it, and what the file knows."""

import re
from collections.abc import Collection, Iterator
from enum import StrEnum

from engine.domain.context import ContextRef
from engine.domain.model import Json
from engine.domain.plan import DraftStep
from engine.llm import patterns as form
from engine.llm.aims import KINDS
from engine.llm.words import texts
from engine.ports import Services


class About(StrEnum):
    """What a question is about."""

    WAYS = "how to do it"
    OWNERS = "who owns it"
    DEPENDENCIES = "what it depends on"
    PLACES = "where it runs"
    ABILITIES = "what I can do"
    REPLICAS = "how many replicas it has"
    VERSION = "which version it runs"
    LOGS = "what it logs"
    ALERTS = "which alerts fire"
    CHANGES = "what changed"
    CAUSE = "what is wrong"
    HEALTH = "how it is"


FORMS = (
    (
        About.WAYS,
        r"^(?:how (?:do|can|could|would|should|to)(?: i| we| you| one)?(?= )|what (?:happens|"
        r"would happen|if))"
        r"(?!\w)(?! (?:<svc>|it|things|the)\b)(?!.*\b(?:doing|looking|you work|use you)\b)",
    ),
    (
        About.ABILITIES,
        r"\b(?:what (?:can|do|could) (?:you|u) do|what are you|who are you|how do (?:you|i) "
        r"(?:work|use "
        r"(?:you|this|carapulse))|what (?:commands|tools|actions)|help$|your (?:abilities|"
        r"commands))(?!\w)",
    ),
    (
        About.OWNERS,
        r"\b(?:owns?|owners?|owned|ownership|responsible|maintains?|maintainers?|whose|on[- ]?call|"
        r"which team|what team|who runs|who do i (?:call|ping|ask|page)|who should i (?:call|ping|"
        r"ask|page)|"
        r"who to (?:call|ping|ask|page)|contact|in charge)(?!\w)",
    ),
    (
        About.DEPENDENCIES,
        r"\b(?:depends?|depending|dependenc(?:y|ies)|dependants?|dependents?|upstreams?|"
        r"downstreams?|"
        r"blast radius|who uses|what uses|which services use|affected by|affects?|"
        r"impact(?:ed)?)(?!\w)",
    ),
    (About.LOGS, r"\b(?:logs?|log lines|stack ?traces?|stderr|stdout)(?!\w)"),
    (
        About.REPLICAS,
        r"\b(?:how many|number of|count of|replica count|replicas|list|show|which|get) ?(?:of "
        r")?(?:<svc> )?(?:running |ready |live )*"
        r"(?:replicas?|pods?|instances?|copies|containers?)(?!\w)|\breplicas? (?:of|does|do|has|"
        r"are|for)(?!\w)|"
        r"\bwhat is (?:the )?(?:<svc> )?(?:scaled|replica)|scaled (?:to|at)(?!\w)",
    ),
    (
        About.PLACES,
        r"\b(?:where (?:is|does|do|are) (?:<svc>|it)(?: \S+)? ?(?:run|deployed|running|live|"
        r"hosted)?|which (?:namespace|clusters?|"
        r"environments?|region)|what (?:namespace|clusters?|environments?|region|kind)|list "
        r"(?:\S+ )?services|which services|what services)(?!\w)",
    ),
    (
        About.VERSION,
        r"\b(?:(?:which|what) (?:\S+ )?(?:version|image|tag|build|revision|release)|(?:version|"
        r"image|tag) (?:of|is|does|runs|in|for|on)|what is (?:running|deployed|live))(?!\w)",
    ),
    (About.ALERTS, r"\b(?:alerts?|alerting|firing|paging|paged|pages)(?!\w)"),
    (
        About.CHANGES,
        r"\b(?:chang\w+|deployed|released|commits?|history|diff|rolled out|pushed|merged|deploys?|"
        r"deployments?|releases?|rollouts?)(?!\w)",
    ),
)
COMPILED = tuple((about, re.compile(pattern)) for about, pattern in FORMS)
WHY = re.compile(r"\b(?:why|cause|reason|root cause|wrong)(?!\w)")
NAMED = re.compile(
    r"\b(?:owns?|is|are|was|of|for|on|in|with|does|did|has|changed|about|check|runs?|uses|"
    r"maintains|"
    r"logs) (?:the |our |my )?(?!(?:the|our|my|it|this|that|there|they|we|you|i|us|me|any\w*|"
    r"some\w*|"
    r"every\w*|all|things?|wrong|going|happening|broken|down|up|ok|okay|fine|healthy|failing|slow|"
    r"stuck|not|still|now|today|yesterday|last|recent\w*|latest|new|alerts?|errors?|pods?|"
    r"replicas?|"
    r"services?|services|systems?|production|call|fire|currently|being|been|deploy\w*|chang\w*|"
    r"running|live|what|who|why|how|doing|again|firing|charge|production|cluster|environment|"
    r"logs?|version|status|health|state|owner|owners|plan|responsible|affected|to|in|on|at|a|an|"
    r"another|each|matter|issue|problem|cause|reason|root|incident|outage|response|impact|"
    r"maintenance|general|total|here|really|actually|supposed|going|weather|time|name|best|"
    r"happened|restart\w*|scal\w*|roll\w*|more|many|much|his|her|their|"
    r"your)\b)(?P<name>[a-z][\w-]{2,})"
)
OURS = re.compile(
    r"<place>|\b(?:everything|anything|something|healthy|health|status|ok|okay|fine|wrong|down|up|"
    r"broken|slow|errors?|issues?|problems?|incidents?|outages?|going|happening|happened|fire|"
    r"state|"
    r"failing|services?|systems?|latency|stable|running|working|why|rate)(?!\w)"
)
ERROR_RATE = "Error rate of"
STATIC = frozenset({About.WAYS, About.OWNERS, About.DEPENDENCIES, About.PLACES, About.ABILITIES})


def about(text: str) -> About:
    """What a question is about; how the service is where nothing else is said."""
    for kind, pattern in COMPILED:
        if pattern.search(text) and not (kind is About.CHANGES and form.CAUSE.match(text)):
            return kind
    return About.CAUSE if form.CAUSE.match(text) or WHY.search(text) else About.HEALTH


def unknown(text: str) -> str:
    """A word of a question that stands where a service should stand; empty if there is none."""
    match = NAMED.search(text)
    return match["name"] if match else ""


def concerns(text: str) -> bool:
    """Whether a question that names no service is about services at all."""
    return bool(OURS.search(text)) or any(pattern.search(text) for _, pattern in COMPILED)


def reads(
    kind: About, context: ContextRef, entry: dict[str, Json], actions: Collection[str]
) -> tuple[DraftStep, ...]:
    """The reads that answer a question about one service, as far as a tool makes them."""
    if kind in STATIC:
        return ()
    found = [
        step for step in _wanted(kind, context, entry) if f"{step.tool}.{step.action}" in actions
    ]
    unique = {(step.tool, step.action, repr(step.input)): step for step in found}
    return tuple(unique.values())


def _wanted(kind: About, context: ContextRef, entry: dict[str, Json]) -> Iterator[DraftStep]:
    if kind in (About.HEALTH, About.CAUSE):
        yield from _health(context, entry)
    if kind in (About.CHANGES, About.CAUSE, About.VERSION):
        yield from _changes(context, entry)
    if kind in (About.REPLICAS, About.VERSION):
        yield from _workload("get", context, entry, "Look at {0}")
    if kind in (About.LOGS, About.CAUSE):
        yield from _logs(context, entry)
    if kind in (About.ALERTS, About.CAUSE):
        yield _read("alertmanager.alerts", {}, "Alerts that fire", context)


def _health(context: ContextRef, entry: dict[str, Json]) -> Iterator[DraftStep]:
    yield from _workload("rollout_status", context, entry, "Rollout of {0}")
    health = entry.get("health")
    if isinstance(health, dict):
        yield _read(
            f"{health['tool']}.{health['action']}", {}, f"Health of {context.service}", context
        )
    metrics = entry.get("metrics")
    for name in ("error_rate", "latency", "saturation", "traffic"):
        if isinstance(metrics, dict) and metrics.get(name):
            title = f"{name.replace('_', ' ').capitalize()} of {context.service}"
            yield _read("prometheus.query", {"query": metrics[name]}, title, context)
    if release := _part(entry, "helm", "release"):
        yield _read("helm.status", {"release": release}, f"Release {release}", context)
    if application := _part(entry, "argocd", "application"):
        yield _read(
            "argocd.get", {"application": application}, f"Application {application}", context
        )


def _changes(context: ContextRef, entry: dict[str, Json]) -> Iterator[DraftStep]:
    gitops = entry.get("gitops")
    if isinstance(gitops, dict) and gitops.get("remote"):
        given: dict[str, Json] = {
            "remote": gitops["remote"],
            "branch": gitops["branch"],
            "path": gitops["path"],
        }
        yield _read("git.log", given, f"Last changes in {gitops['repository']}", context)
    if release := _part(entry, "helm", "release"):
        yield _read("helm.history", {"release": release}, f"History of {release}", context)
    yield from _workload("rollout_history", context, entry, "Rollouts of {0}")


def _logs(context: ContextRef, entry: dict[str, Json]) -> Iterator[DraftStep]:
    if entry.get("kind") in KINDS:
        given: dict[str, Json] = {"kind": entry["kind"], "name": context.service}
        yield _read("kubectl.logs", given, f"Logs of {context.service}", context)


def _workload(
    action: str, context: ContextRef, entry: dict[str, Json], title: str
) -> Iterator[DraftStep]:
    if entry.get("kind") in KINDS:
        given: dict[str, Json] = {"kind": entry["kind"], "name": context.service}
        yield _read(f"kubectl.{action}", given, title.format(context.service), context)


def _part(entry: dict[str, Json], name: str, field: str) -> str:
    part = entry.get(name)
    return str(part.get(field, "")) if isinstance(part, dict) else ""


def _read(name: str, given: dict[str, Json], title: str, context: ContextRef) -> DraftStep:
    tool, _, action = name.partition(".")
    return DraftStep(tool=tool, action=action, input=given, title=title, context=context)


def known(kind: About, service: str, services: Services) -> str:
    """What the services file itself answers; empty where it does not."""
    entry = services.entry(service)
    if kind is About.OWNERS:
        owners = texts(entry.get("owners"))
        return (
            f"{service} is owned by {_and(owners)}."
            if owners
            else f"Nobody is named as owner of {service}."
        )
    if kind is About.DEPENDENCIES:
        needs, users = texts(entry.get("depends_on")), services.dependants(service)
        verb = "depend" if len(users) > 1 else "depends"
        named = _and(users) or "nothing"
        return f"{service} depends on {_and(needs) or 'nothing'}; {named} {verb} on it."
    if kind is About.PLACES:
        where = f"{service} runs in {_and(texts(entry.get('places'))) or 'no known place'}"
        name = str(entry.get("namespace", ""))
        return f"{where}, namespace {name}." if name else f"{where}."
    return ""


def _and(names: Collection[str]) -> str:
    listed = list(names)
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} and {listed[-1]}"
