"""`/carapulse runbook`, `playbook`, `memory` and `session`."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import ValidationError

from bot.blocks.text import quoted
from bot.slack.commands import Asked, Subcommand
from bot.slack.door import Door
from bot.slack.services import Library
from bot.slack.wire import as_typed
from engine.domain.conversation import Place
from engine.domain.knowledge import DocumentKind, Fact, Told, Words
from engine.domain.model import Model
from engine.domain.session import Session, SessionWords, Viewer, Visibility
from engine.errors import Invalid, NotFound

MOST = 20
PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>$")
OPTION = re.compile(r"\b(service|env|until|session):(\S+)")
Given = TypeVar("Given", bound=Model)
Verb = Callable[[Asked, str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class DocumentCommands:
    """One kind of document; without a verb it is listed."""

    library: Library
    kind: DocumentKind

    async def answer(self, asked: Asked) -> str:
        """The verbs of a document."""
        return await by_verb(
            asked,
            {"list": self.list, "show": self.show, "add": self.add, "remove": self.remove},
            usual="list",
        )

    async def list(self, asked: Asked, rest: str) -> str:
        """Newest first; with words the best first."""
        found = await self.library.knowledge.listed(self.kind, query=rest, limit=MOST)
        noun = self.kind.value
        if not found:
            about = f" about “{quoted(rest, 80)}”" if rest else ""
            return f"There is no {noun}{about}. `/carapulse {noun} add TITLE` keeps one."
        rows = [
            f"`{one.document.name}` *{quoted(one.document.title, 80)}*"
            + (f": {quoted(one.excerpt, 120)}" if one.excerpt else "")
            for one in found
        ]
        return "\n".join([*rows, f"`/carapulse {noun} show NAME` shows one."])

    async def show(self, asked: Asked, rest: str) -> str:
        """For the asker alone, with its commands."""
        name = needed(rest, f"{self.kind.value} show")
        document = await self.library.knowledge.get(self.kind, name)
        where = Place(channel=asked.who.channel or asked.who.user, thread=asked.who.thread)
        await self.library.steps.show_document(document, where, recipient=asked.who.user)
        return ""

    async def add(self, asked: Asked, rest: str) -> str:
        """The first line is the title, the rest what it says."""
        # A fence that Slack has joined to the line before it ends nothing.
        rest = re.sub(r"(?<=[^\n`])```(?=\s|$)", "\n```", rest)
        title, _, body = rest.partition("\n")
        if self.kind is DocumentKind.PLAYBOOK:
            title, body = "playbook", rest
        if not body.strip():
            raise Invalid(
                f"Say what it says too: `/carapulse {self.kind.value} add TITLE`, then the text "
                "from the next line on (Shift+Enter)."
            )
        given = valid(Words, {"title": title, "body": body.strip("\n")})
        document = await self.library.knowledge.write(asked.actor, self.kind, given)
        return f"Kept the {self.kind.value} *{quoted(document.title, 100)}* as `{document.name}`."

    async def remove(self, asked: Asked, rest: str) -> str:
        """Anybody of the directory may; the audit says who did."""
        name = needed(rest, f"{self.kind.value} remove")
        document = await self.library.knowledge.remove(asked.actor, self.kind, name)
        return f"Removed the {self.kind.value} *{quoted(document.title, 100)}*."


@dataclass(frozen=True, slots=True)
class MemoryCommands:
    """Facts; without a verb they are listed."""

    library: Library

    async def answer(self, asked: Asked) -> str:
        """The verbs of memory."""
        verbs = {"list": self.list, "add": self.add, "forget": self.forget}
        return await by_verb(asked, verbs, usual="list")

    async def list(self, asked: Asked, rest: str) -> str:
        """What the asker may see, newest first."""
        facts = await self.library.memory.listed(Viewer.of(asked.actor), query=rest, limit=MOST)
        if not facts:
            return "I remember nothing. `/carapulse memory add TEXT service:NAME` tells me."
        return "\n".join([told(one) for one in facts])

    async def add(self, asked: Asked, rest: str) -> str:
        """`TEXT service:checkout env:prod until:2026-12-24 session:NAME`."""
        options = dict(OPTION.findall(rest))
        given: dict[str, object] = {
            "text": OPTION.sub("", rest).strip(),
            "service": options.get("service", ""),
            "environment": options.get("env", ""),
        }
        if "until" in options:
            given["expires_at"] = day(options["until"])
        viewer = Viewer.of(asked.actor)
        if "session" in options:
            given["session"] = (await self.library.sessions.find(viewer, options["session"])).id
        fact = await self.library.memory.remember(asked.actor, viewer, valid(Told, given))
        return f"Remembered: {told(fact)}"

    async def forget(self, asked: Asked, rest: str) -> str:
        """By the mark that the list shows."""
        viewer = Viewer.of(asked.actor)
        facts = await self.library.memory.listed(viewer, limit=1000)
        found = [one for one in facts if rest and one.id.endswith(rest.strip("`[] ").lower())]
        if len(found) != 1:
            raise NotFound("Which one? `/carapulse memory` lists them with their marks.")
        fact = await self.library.memory.forget(asked.actor, viewer, found[0].id)
        return f"Forgot: {quoted(fact.text, 200)}"


@dataclass(frozen=True, slots=True)
class SessionCommands:
    """Sessions; without a verb they are listed."""

    library: Library
    door: Door

    async def answer(self, asked: Asked) -> str:
        """The verbs of sessions."""
        verbs: dict[str, Verb] = {
            "list": self.list,
            "open": self.open,
            "use": self.use,
            "leave": self.leave,
            "close": self.close,
            "add": self.add,
            "remove": self.remove,
        }
        return await by_verb(asked, verbs, usual="list")

    async def list(self, asked: Asked, rest: str) -> str:
        """What the asker may see."""
        sessions = await self.library.sessions.listed(Viewer.of(asked.actor), limit=MOST)
        if not sessions:
            return "There is no session. `/carapulse session open NAME` opens one for this channel."
        return "\n".join(row(one) for one in sessions)

    async def open(self, asked: Asked, rest: str) -> str:
        """`NAME [private|members|everyone]`; the channel works in it from now on."""
        name, _, last = needed(rest, "session open").rpartition(" ")
        known = {each.value for each in Visibility}
        given = {"name": name, "visibility": last} if last in known and name else {"name": rest}
        opened = await self.library.sessions.open(
            asked.actor, valid(SessionWords, given), channel=asked.who.channel
        )
        return (
            f"Opened {row(opened)}. Threads that begin in this channel from now on work in it. "
            "`/carapulse session add NAME @person` shares it."
        )

    async def use(self, asked: Asked, rest: str) -> str:
        """This channel works in it from now on."""
        session = await self.library.sessions.use(
            asked.actor, Viewer.of(asked.actor), needed(rest, "session use"), asked.who.channel
        )
        return f"Threads that begin in this channel from now on work in {row(session)}."

    async def leave(self, asked: Asked, rest: str) -> str:
        """This channel works in no session any more."""
        left = await self.library.sessions.leave(asked.actor, asked.who.channel)
        return "This channel works in no session now." if left else "This channel is in no session."

    async def close(self, asked: Asked, rest: str) -> str:
        """Nothing more is planned or started in it."""
        name = needed(rest, "session close")
        session = await self.library.sessions.close(asked.actor, Viewer.of(asked.actor), name)
        return f"Closed *{quoted(session.name, 80)}*. What it knows can still be read."

    async def add(self, asked: Asked, rest: str) -> str:
        """`NAME @person` or `NAME group:sre`."""
        return await self._enter(asked, rest, out=False)

    async def remove(self, asked: Asked, rest: str) -> str:
        """The same, out of it."""
        return await self._enter(asked, rest, out=True)

    async def _enter(self, asked: Asked, rest: str, *, out: bool) -> str:
        mention = PERSON.search(asked.sent)
        shown = as_typed(mention[0]) if mention else rest.rpartition(" ")[2]
        name = rest.removesuffix(shown).strip()
        if not name:
            raise Invalid("Name the session and the person: `/carapulse session add NAME @ann`.")
        member = await self._member(mention[1]) if mention else shown
        session = await self.library.sessions.enter(
            asked.actor, Viewer.of(asked.actor), name, member, out=out
        )
        return f"Now {row(session)}."

    async def _member(self, user: str) -> str:
        """The directory's id of somebody who was mentioned."""
        actor = await self.door.people.actor(user)
        if actor is None:
            raise NotFound("I don't know this person.")
        return actor.id


def table(library: Library, door: Door) -> Sequence[Subcommand]:
    """The rows, as `help` lists them."""
    runbooks = DocumentCommands(library, DocumentKind.RUNBOOK)
    playbooks = DocumentCommands(library, DocumentKind.PLAYBOOK)
    sessions = SessionCommands(library, door)
    return (
        Subcommand("runbook [list WORDS|show|add|remove]", "what to do, in words", runbooks.answer),
        Subcommand("playbook [list|show|add|remove]", "what I draft from", playbooks.answer),
        Subcommand(
            "memory [list|add|forget]", "what I shall remember", MemoryCommands(library).answer
        ),
        Subcommand(
            "session [list|open|use|leave|close|add|remove]",
            "a context that people share",
            sessions.answer,
        ),
    )


async def by_verb(asked: Asked, verbs: Mapping[str, Verb], *, usual: str) -> str:
    """Call the verb that comes first. Raises `Invalid` for a word that is none."""
    first, _, rest = asked.words.replace("\x00", "").partition(" ")
    line, newline, below = first.partition("\n")
    verb = verbs.get(line.lower() or usual)
    if verb is None:
        known = ", ".join(f"`{each}`" for each in verbs)
        raise Invalid(f"I know no “{quoted(line, 40)}” here, but {known}.")
    return await verb(asked, (f"{below} {rest}" if newline else rest).strip())


def needed(name: str, command: str) -> str:
    """The name that a verb was given. Raises `Invalid` where it was given none."""
    if not name:
        noun = command.partition(" ")[0]
        raise Invalid(
            f"Name the {noun}: `/carapulse {command} NAME`. `/carapulse {noun}` lists them."
        )
    return name


def valid(kind: type[Given], given: Mapping[str, object]) -> Given:
    """What was typed as a model. Raises `Invalid` that names what is wrong with it."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise Invalid(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


def told(fact: Fact) -> str:
    """A fact on one line, with its mark."""
    scope = " ".join(filter(None, (fact.service, fact.environment)))
    end = f", until {fact.expires_at:%Y-%m-%d}" if fact.expires_at else ""
    about = f" ({quoted(scope, 80)})" if scope else ""
    mark = f"`{fact.id[-6:]}`"
    return f"{mark} {quoted(fact.text, 300)}{about}, by {quoted(fact.author_name, 60)}{end}"


def row(session: Session) -> str:
    """A session on one line."""
    count = len(session.members) + len(session.groups)
    shared = f", {count} {'member' if count == 1 else 'members'}" if count else ""
    return (
        f"*{quoted(session.name, 80)}* ({session.visibility.value}, {session.state.value}, "
        f"of {quoted(session.owner_name, 60)}{shared})"
    )


def day(text: str) -> datetime:
    """The end of a day, or of so many days from now (`3d`). Raises `Invalid`."""
    if match := re.fullmatch(r"(\d{1,3})d", text):
        return datetime.now(UTC) + timedelta(days=int(match[1]))
    try:
        found = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Invalid("Say until when as until:2026-12-24 or until:3d.") from None
    return found + timedelta(days=1)
