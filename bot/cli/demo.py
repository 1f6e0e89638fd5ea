"""`carapulse demo`: one incident from alert to fix, on real processes, printed as it happens."""

import asyncio
from contextlib import suppress
from pathlib import Path

DEFAULT_FOLDER = Path(".carapulse-demo")


async def demo(*, folder: Path = DEFAULT_FOLDER) -> None:
    """Play one incident from alert to fix, and print its thread; ends by itself.

    Exit code 0 only when the shop really recovered.

    Args:
        folder: where everything is kept; it is emptied first.
    """
    from bot.cli.thread import Thread, tell_event
    from bot.cli.up import stop_on_signals
    from bot.local.demo.story import DANA, INCIDENTS, play
    from bot.local.slack.person import open_person
    from bot.local.stack import StackOptions
    from bot.local.up import UpOptions, open_up

    stop_on_signals()
    options = UpOptions(folder=folder, stack=StackOptions(reset=True))
    async with open_up(options, on_event=tell_event) as running:
        assert running.slack_url is not None
        assert running.world is not None
        thread = Thread(INCIDENTS)
        thread.tell("", f"Everything is up. The page of the local Slack: {running.slack_url}")
        for note in running.notes:
            thread.tell("", f"Note: {note}")
        async with open_person(running.slack_url, DANA) as reader:

            async def tell(who: str, what: str) -> None:
                """In the order in which it happens: what was posted before comes first."""
                await thread.look(reader)
                thread.tell(who, what)

            reading = asyncio.create_task(thread.follow(reader))
            try:
                story = await play(running.slack_url, running.world, tell)
                await asyncio.sleep(1)
            finally:
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading
    thread.tell("", f"Resolved. {thread.readable(story.outcome.splitlines()[0])}")
