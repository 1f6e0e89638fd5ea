"""The buttons of a waiting plan: each calls the one gate and shows its answer."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.errors import SlackApiError

from bot.blocks import actions as ids
from bot.blocks import freeze, modal
from bot.blocks.plan import explanation
from bot.slack.answered import answered
from bot.slack.door import Door
from bot.slack.failures import reaching
from bot.slack.origins import origin
from bot.slack.services import Approvals, Plans
from engine.domain.actor import Surface
from engine.domain.approval import Verdict
from engine.domain.glass import Glass, wrong
from engine.domain.ids import PlanId
from engine.errors import Conflict, Invalid, NotAllowed

TOO_LATE = "Slack closed the dialog before it opened. Press {} again."
OPENS_IN = 2.5


@dataclass(frozen=True, slots=True)
class Deciding:
    """Approve, by break-glass where the risk is high, Reject with its reason, Explain."""

    approvals: Approvals
    views: Plans
    door: Door

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        app.action(ids.APPROVE)(answered(self.approve))
        app.action(ids.REJECT)(answered(self.ask_why))
        app.view(ids.REJECT_REASON)(answered(self.reject))
        app.action(ids.BREAK_GLASS)(answered(self.ask_for_glass))
        app.view(ids.GLASS)(self.glass_given)
        app.action(ids.EXPLAIN)(answered(self.explain))

    async def approve(self, args: AsyncArgs) -> None:
        """The person has confirmed the dialog."""
        actor = await self.door.admit(args)
        if actor is None:
            return
        pressed = args.body["actions"][0]
        plan_id, version = version_of(pressed["value"])
        decided = await self.approvals.decide(
            actor,
            plan_id,
            version,
            Verdict.APPROVE,
            surface=Surface.BUTTON,
            acted_at=str(pressed.get("action_ts", "")),
        )
        if not decided.complete:  # the card tells the rest to everybody
            await self.door.whispers.whisper(origin(args.body), decided.text)

    async def ask_why(self, args: AsyncArgs) -> None:
        """Open the dialog on arrival: its trigger lives three seconds, and nothing is decided."""
        place = origin(args.body)
        view = modal.reject(args.body["actions"][0]["value"], f"{place.channel}:{place.thread}")
        await self._open(args, view, "Reject")

    async def ask_for_glass(self, args: AsyncArgs) -> None:
        """Open the dialog of break-glass, for whoever may approve; others learn why they may not.

        The second person finds there what the first wrote, to confirm it or say it better.
        """
        actor = await self.door.admit(args)
        if actor is None:
            return
        value, place = args.body["actions"][0]["value"], origin(args.body)
        plan_id, number = version_of(value)
        if why := await self.approvals.may(actor, plan_id, number):
            raise NotAllowed(why)
        view = await self.views.plan(plan_id)
        first = next(iter(freeze.broken(view)), None)
        before = Glass(reason=first.reason, ticket=first.ticket) if first else Glass()
        where = f"{place.channel}:{place.thread}"
        await self._open(args, freeze.glass(value, where, view.version, before), "Approve")

    async def glass_given(self, args: AsyncArgs) -> None:
        """The dialog came back: what is wrong stands below its field, and nothing typed is lost."""
        fields = wrong(freeze.given(args.body["view"]), self.approvals.tickets)
        if fields:
            await args.ack(response_action="errors", errors=fields)
            return
        await answered(self.break_glass)(args)

    async def break_glass(self, args: AsyncArgs) -> None:
        """Approve with the reason and the ticket of the dialog."""
        actor = await self.door.admit(args)
        if actor is None:
            return
        view = args.body["view"]
        given = freeze.given(view)
        plan_id, version = version_of(view["private_metadata"].split(" ", 1)[0])
        decided = await self.approvals.decide(
            actor,
            plan_id,
            version,
            Verdict.APPROVE,
            surface=Surface.BUTTON,
            reason=given.reason,
            ticket=given.ticket,
        )
        if not decided.complete:
            await self.door.whispers.whisper(origin(args.body), decided.text)

    async def _open(self, args: AsyncArgs, view: dict[str, Any], button: str) -> None:
        try:
            async with reaching(seconds=OPENS_IN):
                await args.client.views_open(trigger_id=args.body["trigger_id"], view=view)
        except SlackApiError as error:
            raise Conflict(TOO_LATE.format(button)) from error

    async def reject(self, args: AsyncArgs) -> None:
        """The dialog came back with a reason."""
        actor = await self.door.admit(args)
        if actor is None:
            return
        view = args.body["view"]
        plan_id, version = version_of(view["private_metadata"].split(" ", 1)[0])
        await self.approvals.decide(
            actor,
            plan_id,
            version,
            Verdict.REJECT,
            surface=Surface.BUTTON,
            reason=modal.reason(view),
        )

    async def explain(self, args: AsyncArgs) -> None:
        """Where the plan comes from, for whoever asks."""
        if await self.door.admit(args) is None:
            return
        plan_id, _ = version_of(args.body["actions"][0]["value"])
        view = await self.views.plan(plan_id)
        await self.door.whispers.whisper(origin(args.body), explanation(view))


def version_of(value: str) -> tuple[PlanId, int]:
    """`plan:version` of a button. Its content is a claim; the gate checks what it names."""
    plan_id, _, version = value.partition(":")
    if not plan_id or not version.isdigit():
        raise Invalid("This button is out of date. Use the newest card in the thread.")
    return PlanId(plan_id), int(version)
