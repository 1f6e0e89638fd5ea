"""Is the process alive, can it serve, and what does each thing that it depends on say."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from bot.http.answers import answer
from engine.domain.model import Json
from engine.errors import CarapulseError
from engine.ports import Store
from engine.telemetry.metrics import Metrics

Check = Callable[[], Awaitable[None]]

LONGEST_SECONDS = 2.0
# Without these nothing can be accepted; without the others the process works in part.
NEEDED = frozenset({"postgres"})


def database(store: Store) -> Check:
    """Whether a transaction can be opened."""

    async def check() -> None:
        async with store.begin():
            pass

    return check


@dataclass(frozen=True, slots=True)
class Health:
    """`checks` are by name; each returns when all is well and raises when not."""

    checks: Mapping[str, Check]
    metrics: Metrics

    async def live(self, request: web.Request) -> web.Response:
        """The process answers. Nothing else is asked: a restart would mend nothing else."""
        return answer({"status": "ok"})

    async def ready(self, request: web.Request) -> web.Response:
        """200 while events can be accepted; `degraded` names what is away meanwhile."""
        found = dict(zip(self.checks, await self._all(), strict=True))
        away = {name for name, trouble in found.items() if trouble}
        words: dict[str, Json] = {name: trouble or "ok" for name, trouble in found.items()}
        status = "unavailable" if away & NEEDED else "degraded" if away else "ok"
        return answer({"status": status, "checks": words}, status=503 if away & NEEDED else 200)

    async def measure(self, request: web.Request) -> web.Response:
        """All metrics, in the text format that the caller understands."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(
            body=encode(self.metrics.registry), headers={"Content-Type": content_type}
        )

    async def _all(self) -> list[str]:
        return await asyncio.gather(*(trouble(check) for check in self.checks.values()))


async def trouble(check: Check) -> str:
    """What is wrong, in words; empty when nothing is."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await check()
    except TimeoutError:
        return f"no answer within {LONGEST_SECONDS:g} s"
    except (CarapulseError, OSError) as error:
        return str(error)[:200] or type(error).__name__
    return ""
