"""What a team knows and writes down: runbooks, playbooks, and short facts that are remembered."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from engine.domain.ids import DocumentId, FactId, PersonId, SessionId, Tenant
from engine.domain.model import Json, Model
from engine.domain.text import storable

LARGEST_BODY = 64_000
LONGEST_FACT = 500
LANGUAGES = (
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "italian",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "simple",
    "spanish",
    "swedish",
    "turkish",
)
"""The text search configurations that every Postgres since 15 has and that we offer."""


def _one_line(text: str) -> str:
    if any(unicodedata.category(each) in ("Cc", "Cf", "Co", "Cs", "Cn") for each in text):
        raise ValueError("one line without control characters is expected")
    return text


def _known_language(name: str) -> str:
    if name not in LANGUAGES:
        raise ValueError(f"one of {', '.join(LANGUAGES)} is expected")
    return name


Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(_one_line),
]
Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, strip_whitespace=True),
    AfterValidator(_one_line),
]
Language = Annotated[str, AfterValidator(_known_language)]
Body = Annotated[str, StringConstraints(min_length=1, max_length=LARGEST_BODY)]


class DocumentKind(StrEnum):
    """A runbook is prose for people, a playbook is data that the offline planner fills."""

    RUNBOOK = "runbook"
    PLAYBOOK = "playbook"


class Words(Model):
    """What somebody writes: no services or environments means all of them."""

    title: Line
    body: Annotated[Body, AfterValidator(storable)]
    tags: Annotated[tuple[Label, ...], Field(max_length=20)] = ()
    services: Annotated[tuple[Label, ...], Field(max_length=50)] = ()
    environments: Annotated[tuple[Label, ...], Field(max_length=20)] = ()
    language: Language = "english"


class Document(Words):
    """A runbook or playbook as it is kept.

    `source` is `api` for what people wrote here; anything else names the folder that it is kept
    the same as, and such a document is changed there. `reference` says where in the source.
    `revision` counts changes, `authors` are all who wrote in it.
    """

    id: DocumentId
    tenant: Tenant
    kind: DocumentKind
    name: str
    source: str = "api"
    reference: str = ""
    author: PersonId
    author_name: str
    authors: tuple[PersonId, ...] = ()
    revision: int = 1
    created_at: datetime
    updated_at: datetime

    @property
    def ours(self) -> bool:
        """Whether it is written here and not in a folder."""
        return self.source == "api"


class Told(Model):
    """A fact as somebody tells it; `session` keeps it inside that session."""

    text: Annotated[
        str,
        StringConstraints(min_length=1, max_length=LONGEST_FACT, strip_whitespace=True),
        AfterValidator(storable),
    ]
    service: Annotated[str, StringConstraints(max_length=64)] = ""
    environment: Annotated[str, StringConstraints(max_length=64)] = ""
    session: SessionId | None = None
    expires_at: AwareDatetime | None = None


class Fact(Told):
    """A fact as it is remembered, until it expires."""

    id: FactId
    tenant: Tenant
    author: PersonId
    author_name: str
    revision: int = 1
    created_at: datetime


class Used(Model):
    """What a draft was made with: a runbook, playbook, workflow or memory; `id` finds it again.

    `authors` shaped what is drafted from it, so they never approve it.
    """

    kind: str
    title: str
    id: str = ""
    authors: tuple[PersonId, ...] = ()


class Found(Model):
    """A document of a listing, without its body; `excerpt` is where the words were found."""

    document: Document
    excerpt: str = ""
    rank: float = 0.0


class CommandLine(Model):
    """A command of a runbook; `number` counts them from 1, `line` is where it stands."""

    number: int
    line: int
    text: str


class Parsed(Model):
    """A command line as an action of a tool, or the reason why it is none.

    `missing` are inputs that the service has to tell.
    """

    tool: str = ""
    action: str = ""
    input: dict[str, Json] = {}
    context: dict[str, str] = {}
    missing: tuple[str, ...] = ()
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is an action."""
        return bool(self.tool)


SHELLS = frozenset({"", "sh", "bash", "shell", "console", "zsh", "shell-session"})
FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})\s*([\w-]*)")
COMMANDS_AT_MOST = 50


def command_lines(body: str) -> tuple[CommandLine, ...]:
    """The commands of a runbook: the lines of its fenced blocks of shell, without prompts.

    A line that ends in a backslash goes on in the next one. Comments are left out.
    """
    found: list[CommandLine] = []
    for at, text in _joined(_shell_lines(body)):
        text = re.sub(r"^[$>]\s+", "", text.strip())
        if text and not text.startswith("#") and len(found) < COMMANDS_AT_MOST:
            found.append(CommandLine(number=len(found) + 1, line=at, text=text[:2000]))
    return tuple(found)


def slug(title: str) -> str:
    """A short name made of a title: `DNS failover` becomes `dns-failover`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80] or "untitled"


def _shell_lines(body: str) -> Iterator[tuple[int, str]]:
    fence, shell = "", False
    for at, text in enumerate(body.splitlines(), start=1):
        mark = FENCE.match(text)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2]:
                fence = ""
            elif shell:
                yield at, text
        elif mark:
            fence, shell = mark[1], mark[2].lower() in SHELLS


def _joined(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    begun, start = "", 0
    for at, text in lines:
        start = start if begun else at
        if text.endswith("\\"):
            begun += f"{text[:-1].strip()} "
            continue
        yield start, begun + text.strip()
        begun = ""
    if begun:
        yield start, begun
