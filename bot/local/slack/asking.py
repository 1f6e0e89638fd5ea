"""How a test or a demo asks the local Slack over HTTP."""

import aiohttp

from bot.local.slack.model import Json

ANSWER_WITHIN = 15.0


class NotDone(Exception):
    """The local Slack refused what the person tried."""

    def __init__(self, answer: Json) -> None:
        super().__init__(str(answer.get("error") or answer))
        self.answer = answer


async def post(session: aiohttp.ClientSession, url: str, body: Json) -> Json:
    """POST JSON and read JSON."""
    limit = aiohttp.ClientTimeout(ANSWER_WITHIN)
    async with session.post(url, json=body, timeout=limit) as response:
        answer: Json = await response.json()
        return answer
