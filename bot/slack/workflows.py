"""`/carapulse workflow`: the catalog, and the dialog that starts one of its workflows."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import actions as ids
from bot.blocks import workflow
from bot.slack.answered import answered
from bot.slack.commands import Asked, Subcommand
from bot.slack.door import Door
from bot.slack.failures import reaching
from bot.slack.library_commands import by_verb, needed
from bot.slack.origins import origin
from bot.slack.services import Templates
from engine.domain.actor import Actor
from engine.domain.model import Json
from engine.errors import CarapulseError, Conflict, Invalid
from engine.services.templates import Start, about

TOO_LATE = "Slack closed the dialog before it opened. Ask for it again."
OPENS_IN = 2.5


@dataclass(frozen=True, slots=True)
class Workflows:
    """What opens a dialog, and the dialog itself, are handled on arrival."""

    templates: Templates
    door: Door
    client: AsyncWebClient

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        for action in ids.WORKFLOW_OPENS:
            app.action(action)(answered(self.open))
        app.view(ids.WORKFLOW_STARTED)(self.submit)

    def table(self) -> tuple[Subcommand, ...]:
        """The row of the table of commands."""
        usage = "workflow [list|show NAME|start NAME|enable NAME|disable NAME]"
        return (Subcommand(usage, "what I can do by a checked recipe", self.answer),)

    async def answer(self, asked: Asked) -> str:
        """The verbs; without one the catalog is listed."""
        verbs = {
            "list": self.list,
            "show": self.show,
            "start": self.start,
            "enable": self.enable,
            "disable": self.disable,
        }
        return await by_verb(asked, verbs, usual="list")

    async def list(self, asked: Asked, rest: str) -> str:
        """Each with a button that starts it."""
        found = await self.templates.listed()
        startable = [one.template for one in found if one.enabled]
        buttons: list[dict[str, Json]] = [
            {"text": f"Start {one.title}"[:70], "action": action, "value": one.workflow}
            for action, one in zip(ids.WORKFLOW_OPENS, startable, strict=False)
        ]
        text = "\n".join(workflow.row(one) for one in found)
        await self.door.whispers.whisper(asked.who, text, buttons)
        return ""

    async def show(self, asked: Asked, rest: str) -> str:
        """What one asks for, looks at and does."""
        return workflow.details(await self.templates.get(needed(rest, "workflow show")))

    async def start(self, asked: Asked, rest: str) -> str:
        """The dialog of one; `once` is the trigger that lets it open."""
        if why := await self.door.closed(asked.who.channel):
            return why
        name = needed(rest, "workflow start").split()[0]
        await self._open(name, asked.who.channel, asked.once)
        return ""

    async def enable(self, asked: Asked, rest: str) -> str:
        """It may be started again."""
        name = needed(rest, "workflow enable")
        return workflow.row(await self.templates.switch(asked.actor, name, enabled=True))

    async def disable(self, asked: Asked, rest: str) -> str:
        """It can't be started any more."""
        name = needed(rest, "workflow disable")
        return workflow.row(await self.templates.switch(asked.actor, name, enabled=False))

    async def open(self, args: AsyncArgs) -> None:
        """The dialog, by a button."""
        if await self.door.admit(args) is None:
            return
        channel = origin(args.body).channel
        if why := await self.door.closed(channel):
            await self.door.whispers.whisper(origin(args.body), why)
            return
        await self._open(args.body["actions"][0]["value"], channel, args.body["trigger_id"])

    async def submit(self, args: AsyncArgs) -> None:
        """Ask for the plan, or say under the fields what is wrong; nothing typed is lost."""
        actor = await self.door.admit(args)
        faults = await self._begin(actor, args.body["view"]) if actor else {}
        if faults:
            shown = workflow.wrong(args.body["view"], faults)
            await args.ack(response_action="errors", errors=shown)
        else:
            await args.ack()

    async def _open(self, name: str, channel: str, trigger: str) -> None:
        record = await self.templates.get(name)
        if not record.enabled:
            raise Conflict(f"{name} was switched off by {record.enabled_by_name}.")
        view = workflow.dialog(
            record, channel, self.templates.known_services(), self.templates.known_places()
        )
        try:
            async with reaching(seconds=OPENS_IN):
                await self.client.views_open(trigger_id=trigger, view=view)
        except SlackApiError as error:
            raise Conflict(TOO_LATE) from error

    async def _begin(self, actor: Actor, view: dict[str, Any]) -> dict[str, str]:
        """Start it; else what is wrong, by field."""
        named, _, place = str(view["private_metadata"]).partition(" ")
        name, _, version = named.partition(":")
        given = workflow.given(view)
        inputs: dict[str, Json] = {
            field.removeprefix("input."): value
            for field, value in given.items()
            if field.startswith("input.")
        }
        try:
            start = Start(
                inputs,
                about(given.get(workflow.SERVICE, ""), given.get(workflow.PLACE, "")),
                given.get(workflow.WORDS, ""),
                version=int(version),
            )
            channel = place.partition(":")[0]
            await self.templates.start(actor, name, start, channel=channel, key=str(view["id"]))
        except Invalid as error:
            return error.fields or {"": str(error)}
        except CarapulseError as error:
            return {"": str(error)}
        return {}
