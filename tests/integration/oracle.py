"""What the design says about approvals, written down again without a look at the gate.

Sections 5 (decision 3) and 7 of the design: one gate; the requester and the editors of a write
never count; distinct people; an emoji only where it is allowed and only if it came after the
version was shown; one rejection ends it, the requester takes it back; a new version discards
everything; too late is too late. It counts people by trying every way to seat them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations

PEOPLE = {
    "dana": {"shop"},
    "ann": {"sre"},
    "bo": {"sre", "shop-owners"},
    "cy": {"security"},
    "eve": {"sre"},
}
HANDS = {"button", "command", "api", "cli", "web", "linear"}


@dataclass(frozen=True)
class Act:
    """Somebody says something to a version, by some way, at some hour.

    `shown` for an emoji: whether it was put there after the card showed the version.
    """

    who: str
    says: str
    surface: str
    version: int = 1
    hour: int = 0
    shown: bool = True


@dataclass(frozen=True)
class Rules:
    """What a version asks for; `hours` is how long it waits."""

    people: int
    groups: tuple[frozenset[str], ...]
    emoji: bool
    writes: bool = True
    hours: int = 4


@dataclass(frozen=True)
class Version:
    """Where one version stands."""

    rules: Rules
    requester: str = "dana"
    editors: frozenset[str] = frozenset()
    state: str = "waiting"
    votes: tuple[str, ...] = ()
    recorded: int = 0


@dataclass(frozen=True)
class Story:
    """A plan's versions, the last one current; `forged`: a row was slipped in behind the gate."""

    versions: tuple[Version, ...]
    forged: frozenset[int] = field(default=frozenset())

    def now(self, number: int) -> Version:
        return self.versions[number - 1]

    def becomes(self, number: int, version: Version) -> "Story":
        changed = (*self.versions[: number - 1], version, *self.versions[number:])
        return replace(self, versions=changed)


def told(story: Story, act: Act) -> Story:
    """What has become of it after this act; the same story when the act is refused."""
    if act.who not in PEOPLE or not 1 <= act.version <= len(story.versions):
        return story
    if act.version != len(story.versions) or act.version in story.forged:
        return story
    version = story.now(act.version)
    if version.state != "waiting" or act.hour >= version.rules.hours:
        return story
    after = {"approve": approved, "reject": rejected, "withdraw": withdrawn}[act.says](version, act)
    return story.becomes(act.version, after)


def approved(version: Version, act: Act) -> Version:
    """A vote more, and the end of the waiting when they are enough."""
    partial = act.who == version.requester or act.who in version.editors
    by_emoji = act.surface == "emoji" and version.rules.emoji and act.shown
    may = PEOPLE[act.who] & asked(version.rules) and (act.surface in HANDS or by_emoji)
    if act.who in version.votes or not may or (partial and version.rules.writes):
        return version
    votes = (*version.votes, act.who)
    state = "approved" if enough(version.rules, votes) else "waiting"
    return replace(version, votes=votes, state=state, recorded=version.recorded + 1)


def rejected(version: Version, act: Act) -> Version:
    """One is enough."""
    if act.who == version.requester:
        return replace(version, state="withdrawn", recorded=version.recorded + 1)
    if not PEOPLE[act.who] & asked(version.rules):
        return version
    return replace(version, state="rejected", recorded=version.recorded + 1)


def withdrawn(version: Version, act: Act) -> Version:
    """The requester takes the plan back, anybody else their vote."""
    if act.who == version.requester and act.surface != "emoji":
        return replace(version, state="withdrawn", recorded=version.recorded + 1)
    if act.who not in version.votes:
        return version
    votes = tuple(who for who in version.votes if who != act.who)
    return replace(version, votes=votes, recorded=version.recorded + 1)


def asked(rules: Rules) -> set[str]:
    """Everybody who is asked at all."""
    return {name for names in rules.groups for name in names}


def enough(rules: Rules, votes: Sequence[str]) -> bool:
    """Enough people, and for each set somebody of its own."""
    if len(votes) < rules.people:
        return False
    seatings = permutations(votes, len(rules.groups))
    return any(
        all(PEOPLE[who] & names for who, names in zip(seating, rules.groups, strict=True))
        for seating in seatings
    )


def possible(story: Story, at_once: Sequence[Act]) -> list[Story]:
    """Every way in which acts of the same moment can have been taken one after the other."""
    endings = []
    for order in permutations(at_once):
        ending = story
        for act in order:
            ending = told(ending, act)
        endings.append(ending)
    return endings
