"""One act of deciding, and where it leads."""

from dataclasses import dataclass, replace
from datetime import datetime

from engine.domain.actor import Actor, Surface
from engine.domain.approval import UNPROVEN, Proof, Verdict
from engine.domain.glass import Glass, Tickets, checked
from engine.domain.plan import PlanVersion, VersionState
from engine.domain.quorum import Quorum


@dataclass(frozen=True, slots=True)
class Ballot:
    """What somebody says to a version, with who they are, and when it is.

    `refusal` is why they are turned away before any rule is asked; `current` the plan's newest
    version.
    """

    actor: Actor
    version: PlanVersion
    verdict: Verdict
    surface: Surface
    reason: str
    ticket: str
    acted_at: str
    now: datetime
    current: int
    refusal: str = ""
    proof: Proof = UNPROVEN

    @property
    def breaks_glass(self) -> bool:
        """Whether it is an approval that needs a reason and a ticket."""
        return self.version.requirements.break_glass and self.verdict is Verdict.APPROVE

    @property
    def glass(self) -> Glass:
        """What is given along; nothing where nothing is asked for."""
        return Glass(reason=self.reason, ticket=self.ticket) if self.breaks_glass else Glass()

    def checked(self, tickets: Tickets) -> "Ballot":
        """The same with its reason and ticket tidied, as they are signed. Raises `Invalid`."""
        if not self.breaks_glass:
            return replace(self, ticket="")
        good = checked(self.glass, tickets)
        return replace(self, reason=good.reason, ticket=good.ticket)

    @property
    def groups(self) -> set[str]:
        """All groups that the version's requirements name."""
        return {name for names in self.version.requirements.groups for name in names}

    @property
    def own(self) -> bool:
        """Whether it is about the actor's own request."""
        return self.actor.id == self.version.requester

    @property
    def lacks_step_up(self) -> bool:
        """Whether a second sign-in is asked for and has not happened."""
        wanted = self.version.requirements.step_up and self.verdict is Verdict.APPROVE
        return wanted and not self.proof.step_up

    @property
    def withdraws_plan(self) -> bool:
        """The requester takes the plan back; an emoji taken away is never that."""
        takes_back = self.verdict is Verdict.WITHDRAW
        return takes_back and self.own and self.surface is not Surface.EMOJI

    def next_state(self, quorum: Quorum) -> VersionState:
        """Where the version goes once this ballot is counted."""
        if self.verdict is Verdict.REJECT:
            return VersionState.WITHDRAWN if self.own else VersionState.REJECTED
        if self.verdict is Verdict.WITHDRAW:
            return VersionState.WITHDRAWN if self.withdraws_plan else VersionState.WAITING
        return VersionState.APPROVED if quorum.complete else VersionState.WAITING
