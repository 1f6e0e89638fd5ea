"""Below an answer: its results, the buttons that answer a question, and the thumbs."""

from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError

from bot.blocks import actions as ids
from bot.blocks import answer
from bot.slack.answered import answered
from bot.slack.door import Door
from bot.slack.failures import reaching
from bot.slack.origins import origin
from bot.slack.services import Answers, Conversations, Feedback
from engine.domain.feedback import Thumb
from engine.domain.ids import DraftId, EvidenceId
from engine.domain.model import Json
from engine.errors import Conflict, Invalid

TOO_LATE = "Slack closed the dialog before it opened. Press again."
NOTED = {
    Thumb.UP: "Noted, it helped. Press the other thumb to change that.",
    Thumb.DOWN: "Noted, it did not help. What should it have said or done?",
}
THANKED = "Noted with your words. They become a test of what I answer."


@dataclass(frozen=True, slots=True)
class Results:
    """`Show [2]` opens what a read brought back; nothing is decided by it."""

    answers: Answers
    door: Door

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        for action in ids.SHOWS:
            app.action(action)(answered(self.show))

    async def show(self, args: AsyncArgs) -> None:
        """Open the dialog on arrival: its trigger lives three seconds."""
        if await self.door.admit(args) is None:
            return
        evidence_id = EvidenceId(str(args.body["actions"][0]["value"]))
        found = await self.answers.result(evidence_id, origin(args.body).place)
        await opened(args, answer.result(found))


@dataclass(frozen=True, slots=True)
class Choosing:
    """The buttons of a question, and the button that stops looking."""

    conversations: Conversations
    door: Door

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        for action in ids.ANSWERS:
            app.action(action)(answered(self.choose))
        app.event("agent_session_stopped")(answered(self.stop))

    async def choose(self, args: AsyncArgs) -> None:
        """The first press answers; a later one is told so."""
        actor = await self.door.admit(args)
        if actor is None:
            return
        pressed = args.body["actions"][0]
        number = ids.ANSWERS.index(pressed["action_id"]) + 1
        await self.conversations.choose(
            actor, DraftId(str(pressed["value"])), number, ts=str(pressed["action_ts"])
        )

    async def stop(self, args: AsyncArgs) -> None:
        """Somebody pressed Slack's own stop button while I was looking."""
        actor = await self.door.admit(args)
        if actor is not None:
            await self.conversations.stop(origin(args.body).place, actor)


@dataclass(frozen=True, slots=True)
class Ratings:
    """Thumbs are kept as they are pressed; words may follow."""

    feedback: Feedback
    door: Door

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        app.action(ids.RATE)(answered(self.rate))
        app.action(ids.RATE_WHY)(answered(self.ask_why))
        app.view(ids.RATE_WORDS)(answered(self.explain))

    async def rate(self, args: AsyncArgs) -> None:
        """Keep the thumb, and offer to say why where it points down."""
        actor = await self.door.admit(args)
        if actor is None:
            return
        value = str(args.body["actions"][0]["value"])
        verdict, subject = verdict_of(value)
        await self.feedback.rate(actor, subject, verdict)
        why: dict[str, Json] = {"text": "Say it", "action": ids.RATE_WHY, "value": value}
        buttons = [why] if verdict is Thumb.DOWN else []
        await self.door.whispers.whisper(origin(args.body), NOTED[verdict], buttons)

    async def ask_why(self, args: AsyncArgs) -> None:
        """Open the dialog on arrival."""
        if await self.door.admit(args) is None:
            return
        place = origin(args.body)
        value = str(args.body["actions"][0]["value"])
        await opened(args, answer.asks_why(value, f"{place.channel}:{place.thread}"))

    async def explain(self, args: AsyncArgs) -> None:
        """The dialog came back with words."""
        actor = await self.door.admit(args)
        if actor is None:
            return
        view = args.body["view"]
        verdict, subject = verdict_of(str(view["private_metadata"]).split(" ", 1)[0])
        await self.feedback.rate(actor, subject, verdict, answer.said(view))
        await self.door.whispers.whisper(origin(args.body), THANKED)


async def opened(args: AsyncArgs, view: dict[str, object]) -> None:
    """A dialog over the page of whoever pressed. Raises `Conflict` when it came too late."""
    try:
        async with reaching(seconds=2.5):
            await args.client.views_open(trigger_id=args.body["trigger_id"], view=view)
    except SlackApiError as error:
        raise Conflict(TOO_LATE) from error


def verdict_of(value: str) -> tuple[Thumb, str]:
    """`up:answer:ID` of a button."""
    verdict, _, subject = value.partition(":")
    if verdict not in (Thumb.UP, Thumb.DOWN) or not subject:
        raise Invalid("This button is out of date.")
    return Thumb(verdict), subject
