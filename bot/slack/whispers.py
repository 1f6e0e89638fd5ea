"""Words for one person alone, asked of the relay like every other post."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from bot.slack.origins import Origin
from engine.domain.conversation import Place, PostKind
from engine.domain.ids import PlanId
from engine.domain.model import Json
from engine.ports import Store

TOLD = "slack.told"


@dataclass(frozen=True, slots=True)
class Whispers:
    """Posts that only their recipient sees."""

    store: Store
    now: Callable[[], datetime] = field(default=partial(datetime.now, UTC))

    async def whisper(self, to: Origin, text: str, buttons: Sequence[dict[str, Json]] = ()) -> None:
        """Tell the person who acted, where they acted."""
        if not to.user:
            return
        async with self.store.begin() as unit:
            await unit.posts.want(
                PostKind.WHISPER,
                f"whisper:{to.user}",
                Place(channel=to.channel or to.user, thread=to.thread),
                body={"text": text, "buttons": list(buttons)},
                recipient=to.user,
                urgent=True,
            )

    async def about(self, to: Origin, plan_id: PlanId) -> None:
        """How a plan stands, for the person who asked."""
        async with self.store.begin() as unit:
            await unit.posts.want(
                PostKind.WHISPER,
                f"whisper:{to.user}",
                Place(channel=to.channel or to.user, thread=to.thread),
                body={"plan_id": plan_id},
                recipient=to.user,
                urgent=True,
            )

    async def once(self, to: Origin, text: str) -> None:
        """The same, but a person who was told so in this channel is not told again that day."""
        today = self.now().date().isoformat()
        async with self.store.begin() as unit:
            key = f"{to.user}:{to.channel}:{today}:{text[:100]}"
            if not await unit.inbox.once(TOLD, key):
                return
        await self.whisper(to, text)
