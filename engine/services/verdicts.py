"""What the gate says: sentences for whoever decided, made of facts alone."""

from collections.abc import Sequence

from engine.domain.actor import Actor
from engine.domain.approval import Decided, Signed, Verdict
from engine.domain.plan import PlanVersion, VersionState
from engine.domain.quorum import Quorum

ONLY_PEOPLE = "Only people decide on plans (rule `actors.people`)."
STRANGER = "I only act for people of the directory. Ask a colleague to take over."
NO_PLAN = "There is no such plan."
NO_REASON = "Not allowed: the policy gave no reason (rule `base.unknown`)."
POLICY_DOWN = (
    "The policy service does not answer, so I can't start anything that changes something, "
    "and your decision is not recorded. Reading still works. Please press again in a minute."
)
AFTER = {
    VersionState.APPROVED: "it starts as soon as it can",
    VersionState.EXECUTING: "it is running",
    VersionState.EXECUTED: "it has run",
}


def replaced(old: int, new: int) -> str:
    """The card that was pressed is not the newest one."""
    if new < old:
        return f"There is no v{old} of this plan; v{new} is the newest."
    return f"v{old} was replaced by v{new}, so your decision does not count. Look at v{new} first."


def sign_in(version: PlanVersion) -> str:
    """Allowed, but for the second sign-in."""
    return (
        f"v{version.version} is {version.risk.word} risk, so your approval counts once you have "
        "signed in again. Nothing is recorded yet."
    )


def changed(version: PlanVersion) -> str:
    """Something else decided in the same moment."""
    return f"v{version.version} was decided in the same moment. The card shows how it stands."


def expired(version: PlanVersion) -> str:
    """Too late to decide."""
    hours = version.requirements.within_seconds / 3600
    return (
        f"No decision in {hours:g} h, so v{version.version} expired and can't be approved "
        "any more. Ask for it again to get a new one."
    )


def nothing_to_take_back(version: PlanVersion) -> str:
    """A withdrawal without a vote."""
    return f"You have not approved v{version.version}, so there is nothing to take back."


def too_early(version: PlanVersion) -> str:
    """The emoji stood there before the version was shown."""
    return (
        f"Your emoji was there before v{version.version} was shown, so it does not count. "
        f"Look at v{version.version}, then remove it and add it again, or press Approve."
    )


def repeated(
    actor: Actor,
    verdict: Verdict,
    version: PlanVersion,
    quorum: Quorum,
    signed: Sequence[Signed],
    state: VersionState,
) -> Decided | None:
    """The truthful answer to a second press of the same person; None when it is not one."""
    name = f"v{version.version}"
    if verdict is Verdict.REJECT and quorum.rejected_by == actor.id:
        return _told(f"You have already rejected {name}; it can't be approved any more.", quorum)
    if verdict is not Verdict.APPROVE or actor.id not in quorum.approvers:
        return None
    if state is VersionState.WAITING and not quorum.complete:
        return _told(f"You have already approved {name}; it needs {_more(quorum)}.", quorum)
    if state in AFTER:
        at = _time(_last(signed, Verdict.APPROVE, actor.id))
        return _told(f"You approved {name}{at}; {AFTER[state]}.", quorum)
    return None


def over(version: PlanVersion, state: VersionState, signed: Sequence[Signed]) -> str:
    """Why nothing can be decided any more: who did what, and when."""
    name = f"v{version.version}"
    if state in AFTER:
        one = _last(signed, Verdict.APPROVE)
        return f"{_who(one)} approved {name}{_time(one)}; {AFTER[state]}. {_stop(state)}".strip()
    if state is VersionState.REJECTED:
        one = _last(signed, Verdict.REJECT)
        return f"{_who(one)} rejected {name}{_time(one)}, so it can't be decided on any more."
    if state is VersionState.EXPIRED:
        return expired(version)
    return f"{name} is {state.value}, so it can't be decided on any more."


def recorded(
    verdict: Verdict, version: PlanVersion, quorum: Quorum, state: VersionState
) -> Decided:
    """What was just decided."""
    name = f"v{version.version}"
    if verdict is Verdict.APPROVE:
        rest = "it starts now" if quorum.complete else f"it needs {_more(quorum)}"
        return _told(f"You approved {name}; {rest}.", quorum)
    if state is VersionState.WITHDRAWN:
        return _told(f"You withdrew {name}. Nothing was changed.", quorum)
    if verdict is Verdict.REJECT:
        return _told(f"You rejected {name}. Nothing was changed.", quorum)
    return _told(f"You took back your approval of {name}; it needs {_more(quorum)}.", quorum)


def why(actor: Actor, state: VersionState, reason: str) -> str:
    """The reason that is kept with the version's state."""
    deed = {
        VersionState.REJECTED: "rejected by",
        VersionState.WITHDRAWN: "withdrawn by",
        VersionState.APPROVED: "approved by",
    }[state]
    return f"{deed} {actor.name}: {reason}" if reason else f"{deed} {actor.name}"


def _told(text: str, quorum: Quorum) -> Decided:
    return Decided(
        text=text,
        complete=quorum.complete,
        have=quorum.have,
        need=quorum.need,
        missing=quorum.missing,
    )


def _more(quorum: Quorum) -> str:
    named = f" ({', '.join(quorum.missing)})" if quorum.missing else ""
    return f"{quorum.need - quorum.have} more{named}"


def _last(signed: Sequence[Signed], verdict: Verdict, person: str = "") -> Signed | None:
    for one in reversed(signed):
        if one.statement.verdict is verdict and person in ("", one.statement.person):
            return one
    return None


def _who(signed: Signed | None) -> str:
    return signed.statement.person_name if signed else "Somebody"


def _time(signed: Signed | None) -> str:
    """A token: the chat surface shows it in the reader's zone."""
    return f" at {{@time:{int(signed.statement.at.timestamp())}}}" if signed else ""


def _stop(state: VersionState) -> str:
    return "To stop it, press Cancel on the card." if state is VersionState.EXECUTING else ""
