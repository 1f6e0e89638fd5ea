"""What is asked for and can't be had: destruction, switched-off guards, shown secrets, no tool."""

import re
from dataclasses import dataclass
from enum import StrEnum

from engine.llm import patterns as form
from engine.llm import verbs
from engine.llm.grammar import Segment


class Why(StrEnum):
    """Why a request is out of reach."""

    GUARD = "guard"
    DECISION = "decision"
    SHOWN = "shown"
    DESTROYS = "destroys"
    PODS = "pods"
    STOPS = "stops"
    COMMAND = "command"
    NO_TOOL = "no tool"


@dataclass(frozen=True, slots=True)
class Beyond:
    """`thing` is what was asked for, in its own words."""

    why: Why
    thing: str


GUARD = re.compile(
    r"(?:disable|turn off|switch off|skip|bypass|ignore|override|circumvent|stop|suppress|forget|"
    r"disregard|remove|drop|pause|deactivate|suspend|lift|unlock|kill|delete|clear|wipe|mute|evade|"
    r"work around|get around)(?: \S+){0,4}? (?:audit\w*|approvals?|approvers?|polic(?:y|ies)|opa|"
    r"rego|guard\w*|"
    r"reviews?|safety|safeguards?|rules?|redaction|instructions?|permissions?|restrictions?|"
    r"authori[sz]ation|rbac|sandbox|limits? of yours|security|break-?glass|change freeze|freeze|"
    r"four eyes|constraints)(?!\w)|grant (?:\S+ ){0,3}(?:admin|access|permission|rights|role)|"
    r"(?:make|give) me (?:an? )?(?:admin|root|owner|operator|approver)|"
    r"(?:act|pretend|behave)(?: \S+)? as\b|(?:reveal|print|show|repeat)(?: \S+){0,3} (?:system "
    r")?prompt(?!\w)"
)
UNGUARDED = re.compile(
    r"\b(?:without|no|skip(?:ping)?|bypass(?:ing)?|ignoring|sans)(?: (?:any|the|further|waiting "
    r"for|asking for|an?|need for))*"
    r" (?:approvals?|approving|review|asking|audit\w*|polic\w+|checks|permission|confirmation|"
    r"sign-?off)(?!\w)"
)
BACKUP = re.compile(r"\b(?:backups?|snapshots?|dumps?|point in time)(?!\w)")
ALONE = re.compile(r"\b(?:auto|self|pre|force)[- ]?approv\w+|\b(?:already|been) approved(?!\w)")
DECIDES = re.compile(
    r"(?:auto-?|self-?)?(?:approve|reject|deny|veto|sign off|accept|green-?light|lgtm|"
    r"withdraw)(?!\w)"
)
SECRET = re.compile(
    r"(?:(?:show|print|give|tell|send|get|display|dump|reveal|echo|cat|read|post|fetch|leak|what "
    r"is|what are|"
    r"export|list|decrypt|share|paste)(?: (?:me|us))?(?: \S+){0,5}?) (?:secrets?|passwords?|"
    r"passwd|credentials?|creds|"
    r"api[- ]?keys?|tokens?|private keys?|kubeconfig|env vars?|environment variables|connection "
    r"strings?|dsn)(?!\w)"
)
DESTROYS = re.compile(
    r"(?:drop|truncate|delete|destroy|wipe|purge|terminate|uninstall|erase|nuke|format|rm|"
    r"obliterate|remove|tear down|teardown|get rid of|empty|decommission|undeploy|prune|shred|"
    r"blow away|"
    r"trash|reset(?= (?:the )?(?:database|db|cluster|data)))(?!\w)"
)
PODS = re.compile(
    r"(?:kill|delete|evict|terminate|remove|nuke) (?:(?:the|all|one|a|any|of|old|stuck|these|its) "
    r")*(?:(?:<svc>) )?(?:pods?|replicas?|instances?|containers?)(?!\w)|kill (?:the )?<svc>$"
)
STOPS = re.compile(
    r"(?:stop|shut ?down|shutdown|turn off|switch off|take (?:<svc>|it) (?:offline|down)|halt|"
    r"power off|kill|disable|bring (?:<svc>|it) down)"
    r" (?:(?:the|our|all|down) )*(?:<svc>|it\b|service|everything)|take (?:<svc>|it) (?:offline|"
    r"down)$"
)
OTHER = re.compile(
    rf"{form.OTHER.pattern}|(?P<rest>(?:fail (?:\S+ ){{1,3}}over|cordon|uncordon|drain|taint|"
    rf"label|annotate|fail ?over|"
    rf"failover|"
    r"point|mount|attach|detach|whitelist|blacklist|allowlist|ban|compact|defrag\w*|snapshot|"
    r"clone|copy|"
    r"archive|merge|commit|open a pr|cherry-?pick|tag|build|compile|test|run|curl|ping|ssh|exec\w*|"
    r"login|log in|connect|port-?forward|debug pod|upload|download|tell|notify|announce|"
    r"publish|whisper|translate|sing|order|reserve|hack|mine|encrypt|sleep|schedule|"
    r"tweet|escalate|assign|rollover|re-?balance|rebalance|repartition|replay|requeue|reprocess|"
    r"invalidate|warm|prewarm|reload|refresh|flip|shift|divert|steer|mirror|canary|enlarge|expand|"
    r"autoscale|"
    r"extend|shrink|"
    r"hire|fire|pay|refund|charge|silence|snooze|ack|acknowledge|unsilence|resolve the (?:alert|"
    r"incident)|close) .*)"
)
SHELL = re.compile(
    r"(?:^|[\s'\"`(])/(?:etc|root|var|proc|bin|usr|home|dev)/|\$\(|\$\{|&&|\|\||(?:^|\s)\|(?:\s|"
    r"$)|\|\s*(?:sh|bash|xargs|tee|nc|python\d?)\b|;\s*(?:rm|"
    r"curl|wget|sh|bash|sudo|kubectl|cat|nc|"
    r"echo|drop|delete|shutdown|reboot|chmod|mv|dd)\b|(?:>>|<<|<\(|>\()|(?:^|\s)>\s*/|"
    r"\b(?:rm\s+-[a-z]*[rf]|sudo|mkfs|dd\s+if=|wget\s+http|"
    r"curl\s+(?:-\S+\s+)*http|chmod\s|bash\s+-c|sh\s+-c|base64\s+-d|eval\s)|`[^`]*(?:\$|;|"
    r"\||rm |curl )[^`]*`|\.\./|%0a|\\x|\{\{|"
    r"'\s*;|--\s*$|;\s*--|\bor\s+1\s*=\s*1|<script|\{steps\."
)
FLAG = re.compile(r"(?:^|\s)--?[a-zA-Z][\w-]*")
PLAIN_FLAG = re.compile(r"(?:^|\s)(?:-n|--namespace)[ =]")


def beyond(segment: Segment, *, upkeep: bool = False) -> Beyond | None:
    """What of a segment can't be had, if anything.

    `upkeep`: it orders what can be done to a node, a pod or an alert, and stops nothing else.
    """
    text = segment.text
    said = " ".join(word.raw for word in segment.words)[:160]
    for why, pattern in (
        (Why.GUARD, GUARD),
        (Why.SHOWN, SECRET),
        (Why.PODS, PODS),
        (Why.STOPS, STOPS),
        (Why.DESTROYS, DESTROYS),
    ):
        if upkeep and why is not Why.GUARD:
            continue
        if pattern.match(text) and not (_of_replicas(why, text) or _of_rollout(text)):
            return Beyond(why, said)
    if BACKUP.search(text) and _orders(text):
        return Beyond(Why.NO_TOOL, said)
    if DECIDES.match(text) or form.DECIDE.match(text):
        return Beyond(Why.DECISION, said)
    if ALONE.search(text) or (UNGUARDED.search(text) and (upkeep or _orders(text))):
        return Beyond(Why.GUARD, said)
    return None


def unknown_tool(segment: Segment) -> Beyond | None:
    """An order whose verb belongs to nothing that can be done here."""
    match = OTHER.match(segment.text)
    return (
        Beyond(Why.NO_TOOL, " ".join(word.raw for word in segment.words)[:160]) if match else None
    )


def plain(text: str) -> str:
    """The flags of kubectl that only say a number, as words."""
    text = re.sub(r"--replicas[= ](\d{1,6})(?!\S)", r"to \1 replicas", text)
    return re.sub(r"--to-revision[= ](\d{1,6})(?!\S)", r"to revision \1", text)


def command(text: str) -> Beyond | None:
    """Shell structure, flags and templates are never read as a request."""
    shown = text.replace("&amp;", "&").replace("&gt;", ">").replace("&lt;", "<")
    body = re.sub(r"```.*?(?:```|\Z)|^\s*>.*$", "", shown, flags=re.DOTALL | re.MULTILINE)
    if SHELL.search(body.casefold()):
        return Beyond(Why.COMMAND, " ".join(text.split())[:160])
    if FLAG.search(PLAIN_FLAG.sub(" ", plain(body))):
        return Beyond(Why.COMMAND, " ".join(text.split())[:160])
    return None


def _of_replicas(why: Why, text: str) -> bool:
    """Whether it only scales, like "remove 2 replicas"."""
    if why is Why.DESTROYS and verbs.ADJUSTED.match(text):
        return True
    return (
        why in (Why.DESTROYS, Why.PODS)
        and bool(re.search(r"<num>", text))
        and bool(verbs.REPLICAS.search(text))
    )


def _of_rollout(text: str) -> bool:
    """Whether it only holds a rollout, like "stop the rollout of web"."""
    return any(one.verb is verbs.Verb.PAUSE and one.order.match(text) for one in verbs.LEXEMES)


def _orders(text: str) -> bool:
    return bool(verbs.TAKE.match(text)) or any(
        one.order.match(text) or one.other.search(text) for one in verbs.LEXEMES
    )
