"""The shop's HTTP: a front on one port, and a port of its own for each instance."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.local.demo.shop.checkout import Checkout
from bot.local.demo.shop.follower import Follower
from bot.local.demo.shop.health import health
from bot.local.demo.shop.instance import Instance
from bot.local.demo.shop.meters import OK

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Front:
    """Where the shop answers; `instance_urls` holds those of ready instances only."""

    port: int
    ports: Sequence[int]
    checkout: Checkout

    def instance_urls(self) -> list[str]:
        """The checkout URL of every ready instance."""
        return [
            f"http://{HOST}:{port}/checkout"
            for port, instance in zip(self.ports, self.checkout.instances, strict=True)
            if instance.ready
        ]


@asynccontextmanager
async def serving(checkout: Checkout, follower: Follower, port: int) -> AsyncIterator[Front]:
    """Listen on `port` (0 for a free one) and on one free port per instance."""
    async with AsyncExitStack() as stack:
        bound = await _listen(stack, _front(checkout, follower), port)
        ports = [
            await _listen(stack, _instance(checkout, instance), 0)
            for instance in checkout.instances
        ]
        yield Front(bound, ports, checkout)


async def _listen(stack: AsyncExitStack, app: web.Application, port: int) -> int:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, HOST, port)
    await site.start()
    return int(runner.addresses[0][1])


def _front(checkout: Checkout, follower: Follower) -> web.Application:
    turns = itertools.count()

    async def sell(request: web.Request) -> web.Response:
        ready = [one for one in checkout.instances if one.ready] or checkout.instances
        return await _sold(checkout, ready[next(turns) % len(ready)])

    async def answer_health(request: web.Request) -> web.Response:
        return web.json_response(health(checkout, follower.problem))

    async def answer_ready(request: web.Request) -> web.Response:
        ready = all(one.ready for one in checkout.instances)
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    async def answer_metrics(request: web.Request) -> web.Response:
        text = generate_latest(checkout.meters.registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application(client_max_size=1024)
    app.router.add_get("/checkout", sell)
    app.router.add_get("/health", answer_health)
    app.router.add_get("/ready", answer_ready)
    app.router.add_get("/metrics", answer_metrics)
    return app


def _instance(checkout: Checkout, instance: Instance) -> web.Application:
    async def sell(request: web.Request) -> web.Response:
        return await _sold(checkout, instance)

    app = web.Application(client_max_size=1024)
    app.router.add_get("/checkout", sell)
    return app


async def _sold(checkout: Checkout, instance: Instance) -> web.Response:
    code = await checkout.sell(instance)
    result = "sold" if code == OK else "no connection to the order database"
    return web.json_response({"instance": instance.name, "result": result}, status=code)
