"""Emoji on a plan card: the second way to decide, for plans that allow it.

A reaction has no dialog and says nothing about a version, so only those count that were added
after the card showed the version that it shows now.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.blocks.plan import only_in_file
from bot.blocks.steps import counted
from bot.slack.answered import THREAD, answered
from bot.slack.door import Door
from bot.slack.emoji import verdict_of
from bot.slack.services import Approvals, Plans
from engine.domain.actor import Surface
from engine.domain.approval import Verdict
from engine.domain.conversation import Place, Post, PostKind
from engine.domain.ids import PlanId
from engine.errors import Conflict, NotAllowed, Unavailable
from engine.ports import Store

# A reaction can arrive before the row of the card it stands on knows its place.
PATIENCE = 10.0
STALE = "The card changed after your emoji. Remove it and add it again to decide on what it shows."
IN_FILE = "The card can't show all of this plan: {} only in the file. Press Approve instead."
ECHOES = {Verdict.APPROVE: "approved", Verdict.REJECT: "rejected"}


@dataclass(frozen=True, slots=True)
class Reactions:
    """Emoji that approve, reject, or are taken back."""

    store: Store
    approvals: Approvals
    views: Plans
    door: Door
    team: str
    now: Callable[[], float] = time.time

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        app.event("reaction_added")(answered(self.added))
        app.event("reaction_removed")(answered(self.removed))

    async def added(self, args: AsyncArgs) -> None:
        """Approve or reject what the card shows."""
        verdict = verdict_of(str(args.body["event"]["reaction"]))
        if verdict is not None:
            await self.decide(args, verdict)

    async def removed(self, args: AsyncArgs) -> None:
        """Take an approval back, as long as nothing has started. A rejection is final."""
        if verdict_of(str(args.body["event"]["reaction"])) is Verdict.APPROVE:
            await self.decide(args, Verdict.WITHDRAW)

    async def decide(self, args: AsyncArgs, verdict: Verdict) -> None:
        """Ask the gate, and say in the thread what the emoji meant."""
        event = args.body["event"]
        card = await self.card_at(event)
        if card is None:
            return
        args.context[THREAD] = card.place.thread
        actor = await self.door.admit(args)
        if actor is None:
            return
        if not after(str(event.get("event_ts", "")), card.shown_at):
            raise Conflict(STALE)
        if verdict is Verdict.APPROVE:
            await self.whole(PlanId(card.subject))
        await self.approvals.decide(
            actor,
            PlanId(card.subject),
            card.shown_version,
            verdict,
            surface=Surface.EMOJI,
            acted_at=str(event.get("event_ts", "")),
        )
        if verdict in ECHOES:
            await self.echo(card, str(event["user"]), verdict)

    async def whole(self, plan_id: PlanId) -> None:
        """An emoji says yes to what is shown; a card with steps only in a file needs the button."""
        if hidden := only_in_file(await self.views.plan(plan_id)):
            raise NotAllowed(IN_FILE.format(counted(hidden)))

    async def card_at(self, event: dict[str, Any]) -> Post | None:
        """The plan card that the emoji stands on; None for every other message."""
        item = event["item"]
        async with self.store.begin() as unit:
            found = await unit.posts.at(str(item["channel"]), str(item["ts"]))
        if found is None and self.now() - float(event.get("event_ts") or 0) < PATIENCE:
            raise Unavailable("card", "The card is not known yet.")
        return found if found and found.kind is PostKind.PLAN else None

    async def echo(self, card: Post, user: str, verdict: Verdict) -> None:
        """Emoji are easily overlooked, so they are said in words."""
        said = f"{{@slack:{self.team}:{user}}} {ECHOES[verdict]} v{card.shown_version} by emoji."
        place = Place(channel=card.place.channel, thread=card.place.thread or card.ts)
        async with self.store.begin() as unit:
            await unit.posts.want(PostKind.NOTE, card.subject, place, body={"text": said})


def after(acted: str, shown: str) -> bool:
    """Whether the act came after the surface showed what it is about."""
    try:
        return not shown or Decimal(acted) > Decimal(shown)
    except InvalidOperation:
        return False
