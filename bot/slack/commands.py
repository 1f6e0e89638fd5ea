"""`/carapulse`: one table of subcommands; what each one answers is for the person alone."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.blocks import actions as ids
from bot.blocks.text import quoted
from bot.slack.answered import answered
from bot.slack.door import Door
from bot.slack.origins import Origin, origin
from bot.slack.rights import RIGHTS, Access
from bot.slack.wire import as_typed
from engine.domain.actor import Actor

SUGGESTED = 3
PLURALS = {
    "sessions": "session",
    "runbooks": "runbook",
    "playbooks": "playbook",
    "workflows": "workflow",
    "memories": "memory",
    "plans": "status",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as somebody typed it: `words` are what follows the subcommand's name.

    `sent` is the same in Slack's wire form, where a mention still names its account. `once` is
    the same for a second delivery of the same command.
    """

    actor: Actor
    who: Origin
    words: str
    once: str
    sent: str


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A row of the table. `usage` begins with the name; `answer` raises what can't be done."""

    usage: str
    about: str
    answer: Callable[[Asked], Awaitable[str]]

    @property
    def name(self) -> str:
        """The first word of the usage."""
        return self.usage.split()[0]


@dataclass(frozen=True, slots=True)
class Commands:
    """The slash command; it works outside threads only, which is Slack's rule."""

    door: Door
    table: Sequence[Subcommand]
    help: str
    access: Access

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        app.command(ids.COMMAND)(answered(self.answer))

    async def answer(self, args: AsyncArgs) -> None:
        """For the person alone, so it may be asked in any channel."""
        who = origin(args.body)
        actor = await self.door.member(who)
        if actor is None:
            await self.door.whispers.whisper(who, self.door.refusal)
            return
        name, _, words = str(args.body.get("text", "")).strip().partition(" ")
        found = self.named(name.lower())
        once = str(args.body.get("trigger_id", ""))
        asked = Asked(actor, who, as_typed(words).strip(), once, words.strip())
        if found:
            await self.access.check(actor, RIGHTS[found.name].of(words), found.name)
        text = await found.answer(asked) if found else self.without(name.lower())
        if text:
            await self.door.whispers.whisper(who, text)

    def named(self, name: str) -> Subcommand | None:
        """The row of this name; one that lists is also asked for in the plural."""
        rows = {each.name: each for each in self.table}
        return rows.get(name) or rows.get(PLURALS.get(name, ""))

    def without(self, name: str) -> str:
        """Help, or what is nearest to a word that nobody knows."""
        if name in ("", "help"):
            return self.help
        names = [each.name for each in self.table] + ["help"]
        near = get_close_matches(name, names, n=SUGGESTED, cutoff=0.5) or names[:SUGGESTED]
        listed = ", ".join(f"`/carapulse {each}`" for each in near)
        return (
            f"There is no `/carapulse {quoted(name, 40)}`. Did you mean {listed}? "
            "`/carapulse help` tells all."
        )
