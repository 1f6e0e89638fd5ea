"""The line under a thread that says what the bot is doing."""

import asyncio

from bot.local.slack.feed import Feed

LIFETIME = 120.0


class Statuses:
    """Gone with the next message of the bot, or after two minutes."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._timers: dict[tuple[str, str], asyncio.TimerHandle] = {}

    def show(self, channel_id: str, thread_ts: str, status: str) -> None:
        """Show a status; an empty one takes it away."""
        key = (channel_id, thread_ts)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if status:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(LIFETIME, self.show, channel_id, thread_ts, "")
        self._feed.to_channel(
            channel_id,
            {
                "type": "thread_status",
                "channel": channel_id,
                "thread_ts": thread_ts,
                "status": status,
            },
        )

    def clear(self, channel_id: str, thread_ts: str | None) -> None:
        """Take a status away, if there is one."""
        if thread_ts and (channel_id, thread_ts) in self._timers:
            self.show(channel_id, thread_ts, "")

    def close(self) -> None:
        """Forget the timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
