"""The commits that a log shows, and which of them still have their effect."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

LINE = re.compile(r"^([0-9a-f]{7,64})\t([^\t\n]*)\t([^\t\n]*)\t([^\n]*)$", re.MULTILINE)
# What the git tool writes as the author of its commits (engine/tools/catalog/git.yaml).
OURS = "Carapulse"
UNDOING = re.compile(r'(?P<verb>Revert|Reapply) "(?P<subject>.*)"')


@dataclass(frozen=True, slots=True)
class Change:
    """A commit; all but the id may be unknown."""

    commit: str
    subject: str = ""
    author: str = ""
    at: datetime | None = None

    @property
    def short(self) -> str:
        return self.commit[:7]

    @property
    def name(self) -> str:
        """`9f3c1e2 "raise pool size"`; the words are somebody's, so they are cut and quoted."""
        words = plain(self.subject)
        return f'{self.short} "{words}"' if words else self.short

    @property
    def undoes(self) -> str:
        """The subject of the commit that this one of ours takes back; empty for all others."""
        match = UNDOING.fullmatch(self.subject)
        if match is None or self.author != OURS:
            return ""
        return f'Revert "{match["subject"]}"' if match["verb"] == "Reapply" else match["subject"]


def told(log: str) -> tuple[Change, ...]:
    """The commits of the output of git.log, newest first."""
    return tuple(Change(one[0], one[3], plain(one[1]), moment(one[2])) for one in LINE.findall(log))


def effective(commits: Sequence[Change]) -> Iterator[Change]:
    """Leave out what was taken back by us, and the commits that took it back; newest first."""
    undone: list[str] = []
    for one in commits:
        if one.subject in undone:
            undone.remove(one.subject)
        elif one.undoes:
            undone.append(one.undoes)
        else:
            yield one


def plain(text: str) -> str:
    """Somebody's words in one line that closes no quotes."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line.replace('"', "'")[:80]


def moment(text: str) -> datetime | None:
    """A time with its zone; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
