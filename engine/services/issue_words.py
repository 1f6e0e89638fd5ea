"""What an issue says of a plan, in Markdown; words of others are inert there, secrets masked."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.domain.actor import Account
from engine.domain.approval import Signed, Verdict
from engine.domain.call import Call
from engine.domain.execution import Execution, ExecutionState
from engine.domain.freeze import inert
from engine.domain.issue import Filing
from engine.domain.plan import PlanVersion, Step, VersionState
from engine.domain.quorum import eligible
from engine.ports import Directory

TOKEN = re.compile(r"\{@([a-z]+):([^{}\s]{1,80})\}")
SPECIAL = re.compile(r"([\\`*_\[\]<>#|~!@])")
TICKS = re.compile(r"`{3,}")
TITLE, DESCRIPTION, STEP = 200, 50_000, 4_000
NAMED_AT_MOST = 12
SURFACES = {
    "button": "in Slack",
    "emoji": "in Slack, by emoji",
    "command": "in Slack",
    "api": "over the API",
    "cli": "on the command line",
    "web": "on the web",
    "linear": "here",
}
VERDICTS = {
    Verdict.APPROVE: "approved",
    Verdict.REJECT: "rejected",
    Verdict.WITHDRAW: "took back what they said of",
}
STATES = {
    VersionState.APPROVED: "Version {n} is approved.",
    VersionState.REJECTED: "Version {n} is rejected.",
    VersionState.WITHDRAWN: "Version {n} was withdrawn.",
    VersionState.EXPIRED: "Nobody decided in time: version {n} has expired.",
    VersionState.EXECUTING: "Version {n} is being carried out.",
    VersionState.EXECUTED: "Version {n} was carried out.",
}
ENDINGS = {
    ExecutionState.RUNNING: "It runs ({ref}).",
    ExecutionState.NEEDS_DECISION: "It stands still and needs a decision in the thread ({ref}).",
    ExecutionState.ROLLING_BACK: "It is being undone ({ref}).",
    ExecutionState.ROLLBACK_FAILED: "Undoing it failed; somebody has to look ({ref}).",
    ExecutionState.SUCCEEDED: "It succeeded ({ref}).",
    ExecutionState.FAILED: "It failed ({ref}).",
    ExecutionState.ROLLED_BACK: "It was undone ({ref}).",
    ExecutionState.CANCELLED: "It was cancelled ({ref}).",
}


@dataclass(frozen=True, slots=True)
class IssueWords:
    """`masked` takes secrets out; nothing leaves without it."""

    directory: Directory
    masked: Callable[[str], str]
    approve: str
    reject: str
    labels: Sequence[str]

    async def filing(self, version: PlanVersion, link: str) -> Filing:
        """A version with its exact steps, who may approve it, and where its card is."""
        steps = [stepped(step) for step in version.steps]
        parts = [
            quoted(version.intent),
            f"**Risk:** {version.risk.value}{reasons(version)}",
            f"**Where:** {placed(version)}",
            await self._deciding(version),
            f"**Decide before:** {version.decide_before:%Y-%m-%d %H:%M} UTC",
            f"### Steps of version {version.version}",
            *steps,
            self._how(version, link),
            f"Carapulse {version.reference} version {version.version}, digest "
            f"`{version.digest[:16]}`",
        ]
        text = self.masked("\n\n".join(filter(None, parts)))
        return Filing(
            version=version.version,
            title=self.masked(f"{version.reference}: {inert(version.title, TITLE)}"),
            description=text[:DESCRIPTION],
            labels=self._labels(version),
        )

    def changed(self, version: PlanVersion) -> str:
        """A new version in the same issue."""
        by = f" by {plain(version.changed_by)}" if version.changed_by else ""
        what = [f"- {plain(each)}" for each in version.changes[:20]]
        return self.masked(
            "\n".join(
                [
                    f"This issue now shows version {version.version}{by}. What was decided about "
                    "an earlier one does not count for it.",
                    *what,
                ]
            )
        )

    def voted(self, signed: Signed) -> str:
        """Who said what, and where."""
        said = signed.statement
        where = SURFACES.get(said.surface.value, "")
        why = f": {plain(said.reason)}" if said.reason else "."
        return self.masked(
            f"{plain(said.person_name)} {VERDICTS[said.verdict]} version {said.version} "
            f"{where}{why}"
        )

    def stood(self, version: PlanVersion, state: VersionState, reason: str) -> str:
        """Where the version stands now; empty for what needs no words."""
        text = STATES.get(state, "").format(n=version.version)
        if text and reason and state in (VersionState.WITHDRAWN, VersionState.EXPIRED):
            text += f" {plain(reason)}"
        return self.masked(text)

    def ran(self, execution: Execution) -> str:
        """Where its execution stands; empty for what needs no words."""
        text = ENDINGS.get(execution.state, "").format(ref=execution.reference)
        if text and execution.reason and execution.state is not ExecutionState.RUNNING:
            text += f" {plain(execution.reason)}"
        return self.masked(text)

    async def answer(self, text: str) -> str:
        """A sentence of the gate, for readers of the issue."""
        found = text
        for match in TOKEN.finditer(text):
            found = found.replace(match[0], await self._named(match[1], match[2]))
        return self.masked(found)

    async def _named(self, kind: str, value: str) -> str:
        if kind != "slack":
            return plain(value)
        team, _, user = value.partition(":")
        person = await self.directory.person(Account(team=team, user=user))
        return plain(person.name) if person else "somebody"

    async def _deciding(self, version: PlanVersion) -> str:
        """Names of those who may approve, and how many it takes."""
        need = version.requirements
        names: dict[str, None] = {}
        for group in dict.fromkeys(one for each in need.groups for one in each):
            for actor in await self.directory.members(group):
                if eligible(version, actor.id):
                    names[plain(actor.name)] = None
        who = ", ".join(list(names)[:NAMED_AT_MOST]) or "nobody of the directory"
        people = "one person" if need.people == 1 else f"{need.people} people"
        asked = plain(version.requester_name)
        return f"**May approve:** {who}; it takes {people}. Asked for by {asked}."

    def _how(self, version: PlanVersion, link: str) -> str:
        """What moving the issue does, or where it is decided instead."""
        card = f" [Its card is in Slack]({link})." if link else ""
        number = version.version
        if not_here(version):
            return (
                f"Version {number} can't be approved here: it needs a reason, a ticket or a second "
                f"sign-in, on its card. Moving this issue to **{self.reject}** rejects it.{card}"
            )
        return (
            f"Move this issue to **{self.approve}** to approve version {number}, or to "
            f"**{self.reject}** to reject it.{card}"
        )

    def _labels(self, version: PlanVersion) -> tuple[str, ...]:
        environment = version.context.environment
        told = [f"risk: {version.risk.value}", f"env: {environment}" if environment else ""]
        return tuple(dict.fromkeys(filter(None, (*self.labels, *told))))


def not_here(version: PlanVersion) -> bool:
    """Whether an approval needs more than a move can say."""
    return version.requirements.break_glass or version.requirements.step_up


def stepped(step: Step) -> str:
    """One step with everything that it would run."""
    checked = " (check)" if step.expect is not None else ""
    head = f"{step.number}. **{plain(step.title)}**{checked} `{step.call.name}`"
    undo = f"\n\nUndone by:\n\n{fenced(step.rollback)}" if step.rollback else ""
    return f"{head}\n\n{fenced(step.call)}{undo}"


def fenced(call: Call) -> str:
    """What a call runs, in a fence that nothing inside it ends."""
    lines = [shlex.join(each) for each in call.commands]
    if call.request:
        lines += [f"{call.request.method} {call.request.url}", call.request.body]
    lines += [call.stdin]
    text = TICKS.sub("``", "\n".join(filter(None, lines)))[:STEP]
    return f"```\n{text}\n```"


def placed(version: PlanVersion) -> str:
    """The scope in words."""
    context = version.context
    place = " in ".join(filter(None, (context.service, context.environment)))
    return plain(f"{place} ({context.cluster})" if context.cluster else place) or "nowhere named"


def reasons(version: PlanVersion) -> str:
    """Why the risk is what it is."""
    return f" ({plain('; '.join(version.risk_reasons))})" if version.risk_reasons else ""


def quoted(text: str) -> str:
    """Somebody's words, as theirs."""
    return f"> {plain(text, 3000)}" if text else ""


def plain(text: str, limit: int = 500) -> str:
    """Somebody's words inside ours: one line, without anything that Markdown reads."""
    return SPECIAL.sub(r"\\\1", inert(text, limit))
