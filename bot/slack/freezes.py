"""`/carapulse freeze`: sets, lists and lifts freezes."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.blocks.freeze import MARK, row
from bot.slack.commands import Asked, Subcommand
from bot.slack.library_commands import needed, valid
from engine.domain.freeze import FreezeWords
from engine.domain.until import until
from engine.errors import Invalid
from engine.services.freezes import Freezes

NOTHING = "No freeze is in force. `/carapulse freeze prod until 18:00 REASON` sets one."
HOW = (
    "Write `/carapulse freeze prod until 18:00 REASON`: an environment, a service, `service in "
    "environment` or `all`; until a time, a date (`2026-12-24`, `2026-12-24 18:00`) or for a "
    "while (`2h`, `3d`). Without an end it lasts until somebody lifts it."
)
BEFORE_END = re.compile(r"^(until|for)(?:\s+|$)", re.IGNORECASE)
ALL = frozenset({"all", "everything"})
LONGEST = 300


@dataclass(frozen=True, slots=True)
class FreezeCommands:
    """What was understood is told in words, so that a slip is seen."""

    freezes: Freezes

    def table(self) -> Sequence[Subcommand]:
        """The rows, as `help` lists them."""
        usage = "freeze [prod|checkout|all until 18:00 REASON|list|lift]"
        return (Subcommand(usage, "holds changes, lists and lifts", self.answer),)

    async def answer(self, asked: Asked) -> str:
        """A verb, or what to freeze."""
        verbs: dict[str, Callable[[Asked, str], Awaitable[str]]] = {
            "": self.list,
            "list": self.list,
            "lift": self.lift,
            "set": self.set,
        }
        words = " ".join(asked.words.replace("\x00", "").split())
        first, _, rest = words.partition(" ")
        verb = verbs.get(first.lower())
        return await (verb(asked, rest) if verb else self.set(asked, words))

    async def list(self, asked: Asked, rest: str) -> str:
        """Those in force and those to come."""
        now = self.freezes.clock()
        rows = [row(one, now) for one in await self.freezes.open()]
        return "\n".join([*rows, "`/carapulse freeze lift MARK` lifts one."] if rows else [NOTHING])

    async def lift(self, asked: Asked, rest: str) -> str:
        """By the mark of the list."""
        freeze = await self.freezes.lift(asked.actor, needed(rest, "freeze lift"))
        return f"Lifted: {freeze.what}. What waited for it goes on."

    async def set(self, asked: Asked, rest: str) -> str:
        """`SCOPE [until …] REASON`."""
        made = await self.freezes.set(asked.actor, self.words(rest))
        return (
            f"{made.hold.text} A step that runs is ended, undoing goes on. "
            f"`/carapulse freeze lift {made.id[-MARK:]}` lifts it."
        )

    def words(self, text: str) -> FreezeWords:
        """What was typed. Raises `Invalid`, which says how it is written."""
        scope, text = self.scope(text)
        end, reason = self.end(text)
        if not reason:
            raise Invalid(f"Say why, so that people know. {HOW}")
        return valid(FreezeWords, {**scope, "ends_at": end, "reason": reason[:LONGEST]})

    def scope(self, text: str) -> tuple[dict[str, str], str]:
        """`prod`, `checkout`, `checkout in prod`, `all`; and what follows."""
        first, _, rest = text.partition(" ")
        if not first or first.lower() in ALL:
            return {}, rest
        service = self.freezes.services.resolve(first)
        if service is None:
            return {"environment": first}, rest
        word, _, after = rest.partition(" ")
        environment, _, others = after.partition(" ")
        if word.lower() == "in" and environment:
            return {"service": service, "environment": environment}, others
        return {"service": service}, rest

    def end(self, text: str) -> tuple[datetime | None, str]:
        """When it ends, and what follows. Raises `Invalid` for a time that is none."""
        match = BEFORE_END.match(text)
        if match is None:
            return None, text
        try:
            return until(text[match.end() :], self.freezes.clock(), self.freezes.timezone)
        except (ValueError, OverflowError):
            if match[1].lower() == "for":  # "for the sale" is a reason
                return None, text
            raise Invalid(f"I can't read when it ends. {HOW}") from None
