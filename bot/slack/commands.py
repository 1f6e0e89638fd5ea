"""`/carapulse`: help, and what is going on. Plans are asked for in a message, not here."""

from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.blocks import actions as ids
from bot.blocks.text import quoted
from bot.slack.answered import answered
from bot.slack.door import Door
from bot.slack.origins import origin
from bot.slack.services import Plans
from engine.domain.views import PlanView
from engine.ports import Store

HELP = (
    "Mention me in a channel, or write to me here, with what should be true afterwards: "
    "“set pool_size to 20 for checkout in prod”, or “roll back the last config change”. "
    "I look at the systems, show a plan, and run it once it is approved.\n"
    "`/carapulse status` lists what waits and what runs."
)
UNKNOWN = "I know `help` and `status`. To ask for a plan, mention me in a message or in a thread."
NOTHING = "Nothing waits for approval and nothing runs."
MOST = 10


@dataclass(frozen=True, slots=True)
class Commands:
    """The slash command; it works outside threads only, which is Slack's rule."""

    store: Store
    views: Plans
    door: Door

    def register(self, app: AsyncApp) -> None:
        """Attach this file's listeners to the app."""
        app.command(ids.COMMAND)(answered(self.answer))

    async def answer(self, args: AsyncArgs) -> None:
        """For the person alone, so it may be asked in any channel."""
        who = origin(args.body)
        if await self.door.people.actor(who.user) is None:
            await self.door.whispers.whisper(who, self.door.refusal)
            return
        word = str(args.body.get("text", "")).strip().lower()
        answers = {"": HELP, "help": HELP}
        text = await self.status() if word == "status" else answers.get(word, UNKNOWN)
        await self.door.whispers.whisper(who, text)

    async def status(self) -> str:
        """Each open plan in one line."""
        async with self.store.begin() as unit:
            refs = await unit.plans.open_refs()
        plan_ids = list(dict.fromkeys(ref.plan_id for ref in refs))
        lines = [told(await self.views.plan(plan_id)) for plan_id in plan_ids[:MOST]]
        if len(plan_ids) > MOST:
            lines.append(f"and {len(plan_ids) - MOST} more")
        return "\n".join(lines) or NOTHING


def told(view: PlanView) -> str:
    """`P-1042 v2 waiting: Set checkout pool_size to 20`."""
    version = view.version
    state = view.execution.state.value if view.execution else view.state.value
    return f"{version.reference} v{version.version} *{state}*: {quoted(version.title)}"
