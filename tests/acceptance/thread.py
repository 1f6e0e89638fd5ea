"""One thread as a person follows it: its card, its log, its outcome, and presses on them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.local.slack.person import NotSeen, Person, buttons, plain

INCIDENTS = "C0INC"
SOON, DRAFTED, DONE = 10.0, 40.0, 60.0

Message = dict[str, Any]
Fits = Callable[[Message], bool]


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread seen through one person's page."""

    reader: Person
    channel: str
    ts: str

    async def card(self, *words: str, without: str = "\0", within: float = DRAFTED) -> Message:
        """The plan card, once it says all of these words."""

        def fits(message: Message) -> bool:
            text = plain(message)
            told = all(word in text for word in words) and without not in text
            return self.inside(message) and is_card(message) and told

        return await self.seen(fits, within, f"a card that says {words}")

    async def log(self, *words: str, within: float = DONE) -> Message:
        """The log message, once it says all of these words."""
        return await self.message("*Log of X-", *words, within=within)

    async def outcome(self, *words: str, within: float = DONE) -> Message:
        """The message of its own that says how it ended, or that somebody is needed."""

        def fits(message: Message) -> bool:
            text = plain(message)
            mark = text.startswith((":large_green_circle:", ":red_circle:", ":warning:", ":white_"))
            told = mark and all(word in text for word in words)
            return self.inside(message) and not is_card(message) and told

        return await self.seen(fits, within, f"an outcome that says {words}")

    async def message(self, *words: str, within: float = SOON) -> Message:
        """Anything of ours but a card, once it says all of these words."""

        def fits(message: Message) -> bool:
            text = plain(message)
            ours = self.inside(message) and bool(message["bot_id"]) and not is_card(message)
            return ours and not message["ephemeral_to"] and all(word in text for word in words)

        return await self.seen(fits, within, f"a message that says {words}")

    async def seen(self, fits: Fits, within: float, what: str) -> Message:
        """Wait; what the thread says instead is in the failure."""
        try:
            return await self.reader.wait_for(fits, timeout=within, what=what)
        except NotSeen as error:
            raise AssertionError(f"{error}. The thread says:\n{await self.told()}") from None

    async def told(self) -> str:
        """The thread as text."""
        messages = await self.reader.messages(self.channel, self.ts)
        return "\n----\n".join(plain(message) for message in messages)

    async def ours(self) -> list[Message]:
        """What the bot has posted here for everybody, oldest first."""
        messages = await self.reader.messages(self.channel, self.ts)
        return [one for one in messages if one["bot_id"] and not one["ephemeral_to"]]

    async def cards(self) -> list[Message]:
        """All plan cards of the thread."""
        return [one for one in await self.ours() if is_card(one)]

    def shown(self, message: Message) -> list[str]:
        """Everything that this message has said since the page was opened, in order."""
        events = (each for each in self.reader.events if each.get("message"))
        here = (message["channel"], message["ts"])
        return [plain(one["message"]) for one in events if (one["channel"], one["ts"]) == here]

    def inside(self, message: Message) -> bool:
        """Whether it stands in this thread."""
        return (message["channel"], message["thread_ts"]) == (self.channel, self.ts)


async def ask(person: Person, text: str, channel: str = INCIDENTS, reader: Any = None) -> Thread:
    """Say something to Carapulse in a new thread."""
    return Thread(reader or person, channel, await person.say(channel, f"@carapulse {text}"))


async def press(person: Person, message: Message, label: str) -> bool:
    """Press a button by its words; whether the app acknowledged in time."""
    found = buttons(message)
    assert label in found, f"there is no {label!r} among {sorted(found)} on:\n{plain(message)}"
    action_id, block_id, value = found[label]
    return await person.press(
        message["channel"], message["ts"], action_id, value, block_id=block_id
    )


async def whisper(person: Person, thread: Thread, *words: str, within: float = SOON) -> Message:
    """What only this person is told in the thread."""

    def fits(message: Message) -> bool:
        mine = message["ephemeral_to"] == person.user_id and thread.inside(message)
        return mine and all(word in plain(message) for word in words)

    try:
        return await person.wait_for(fits, timeout=within, what=f"a whisper that says {words}")
    except NotSeen as error:
        heard = [plain(one) for one in person.whispers()]
        raise AssertionError(f"{error}. Whispers so far: {heard}") from None


def is_card(message: Message) -> bool:
    """Whether it is a plan card."""
    return any(block["type"] == "plan" for block in message.get("blocks") or [])


def reference(message: Message, letter: str = "P") -> str:
    """`P-1001` of a card, `X-301` of a log."""
    found = re.search(rf"\b{letter}-\d+", plain(message))
    assert found, f"no {letter}-reference in:\n{plain(message)}"
    return found[0]
