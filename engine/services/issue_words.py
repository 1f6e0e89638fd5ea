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
CUT = "(cut here; the card in Slack has all of it)"
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
    """`masked` takes secrets out; nothing leaves without it, and words are masked as they came."""

    directory: Directory
    masked: Callable[[str], str]
    approve: str
    reject: str
    labels: Sequence[str]

    async def filing(self, version: PlanVersion, link: str) -> Filing:
        """A version with its exact steps, who may approve it, and where its card is."""
        steps = [self._stepped(step) for step in version.steps]
        parts = [
            f"> {self.plain(version.intent, 3000)}",
            f"**Risk:** {self._risk(version)}",
            f"**Where:** {self._placed(version)}",
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
            description=cut(text, DESCRIPTION),
            labels=self._labels(version),
        )

    def changed(self, version: PlanVersion) -> str:
        """A new version in the same issue."""
        by = f" by {self.plain(version.changed_by)}" if version.changed_by else ""
        what = [f"- {self.plain(each)}" for each in version.changes[:20]]
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
        why = f": {self.plain(said.reason)}" if said.reason else "."
        return self.masked(
            f"{self.plain(said.person_name)} {VERDICTS[said.verdict]} version {said.version} "
            f"{where}{why}"
        )

    def stood(self, version: PlanVersion, state: VersionState, reason: str) -> str:
        """Where the version stands now; empty for what needs no words."""
        text = STATES.get(state, "").format(n=version.version)
        if text and reason and state in (VersionState.WITHDRAWN, VersionState.EXPIRED):
            text += f" {self.plain(reason)}"
        return self.masked(text)

    def ran(self, execution: Execution) -> str:
        """Where its execution stands; empty for what needs no words."""
        text = ENDINGS.get(execution.state, "").format(ref=execution.reference)
        if text and execution.reason and execution.state is not ExecutionState.RUNNING:
            text += f" {self.plain(execution.reason)}"
        return self.masked(text)

    async def answer(self, text: str) -> str:
        """A sentence of the gate, for readers of the issue."""
        found = text
        for match in TOKEN.finditer(text):
            found = found.replace(match[0], await self._named(match[1], match[2]))
        return self.masked(found)

    async def _named(self, kind: str, value: str) -> str:
        if kind != "slack":
            return self.plain(value)
        team, _, user = value.partition(":")
        person = await self.directory.person(Account(team=team, user=user))
        return self.plain(person.name) if person else "somebody"

    async def _deciding(self, version: PlanVersion) -> str:
        """Names of those who may approve, and how many it takes."""
        need = version.requirements
        names: dict[str, None] = {}
        for group in dict.fromkeys(one for each in need.groups for one in each):
            for actor in await self.directory.members(group):
                if eligible(version, actor.id):
                    names[self.plain(actor.name)] = None
        who = ", ".join(list(names)[:NAMED_AT_MOST]) or "nobody of the directory"
        people = "one person" if need.people == 1 else f"{need.people} people"
        asked = self.plain(version.requester_name)
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
        told = [f"risk: {version.risk.name.lower()}", f"env: {environment}" if environment else ""]
        return tuple(dict.fromkeys(filter(None, (*self.labels, *told))))

    def plain(self, text: str, limit: int = 500) -> str:
        """Somebody's words inside ours; what is escaped first hides its secrets from the mask."""
        return plain(self.masked(text), limit)

    def _stepped(self, step: Step) -> str:
        """One step with everything that it would run."""
        checked = " (check)" if step.expect is not None else ""
        head = f"{step.number}. **{self.plain(step.title)}**{checked} `{step.call.name}`"
        undo = f"\n\nUndone by:\n\n{fenced(step.rollback)}" if step.rollback else ""
        return f"{head}\n\n{fenced(step.call)}{undo}"

    def _placed(self, version: PlanVersion) -> str:
        """The scope in words."""
        context = version.context
        place = " in ".join(filter(None, (context.service, context.environment)))
        cluster = f" ({context.cluster})" if context.cluster else ""
        return self.plain(place + cluster) or "nowhere named"

    def _risk(self, version: PlanVersion) -> str:
        """How much, and why."""
        why = self.plain("; ".join(version.risk_reasons))
        return version.risk.name.lower() + (f" ({why})" if why else "")


def not_here(version: PlanVersion) -> bool:
    """Whether an approval needs more than a move can say."""
    return version.requirements.break_glass or version.requirements.step_up


def fenced(call: Call) -> str:
    """What a call runs, in a fence that nothing inside it ends."""
    lines = [shlex.join(each) for each in call.commands]
    if call.request:
        lines += [f"{call.request.method} {call.request.url}", call.request.body]
    lines += [call.stdin]
    text = TICKS.sub("``", "\n".join(filter(None, lines)))
    return f"```\n{cut(text, STEP)}\n```"


def cut(text: str, limit: int) -> str:
    """Where it ends before its end it says so."""
    return text if len(text) <= limit else f"{text[:limit]}\n{CUT}"


def plain(text: str, limit: int = 500) -> str:
    """Somebody's words inside ours: one line, without anything that Markdown reads."""
    return SPECIAL.sub(r"\\\1", inert(text, limit))
