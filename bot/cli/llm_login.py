"""The ways to log in to an issuer from a command line."""

import asyncio
from urllib.parse import urlsplit

from aiohttp import web

from engine.errors import ConfigurationError
from engine.llm.login import REDIRECT, Challenge, Issuer, LoginRefused, code_of
from engine.llm.token_file import Tokens

DONE = "You are logged in. You can close this page."
PORT = urlsplit(REDIRECT).port or 0


async def by_browser(issuer: Issuer, within: float, port: int = PORT) -> Tokens:
    """Wait on this machine for the browser to come back.

    Raises:
        ConfigurationError: the port is taken.
        LoginRefused: nobody logged in within that many seconds, or the issuer refuses.
    """
    challenge = Challenge()
    arrived: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def came_back(request: web.Request) -> web.Response:
        if not arrived.done():
            arrived.set_result(str(request.rel_url))
        return web.Response(text=DONE)

    app = web.Application()
    app.router.add_get(urlsplit(REDIRECT).path, came_back)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await _listen(runner, port)
        print(f"Open this address and log in:\n{issuer.address(challenge)}", flush=True)  # noqa: T201
        async with asyncio.timeout(within):
            redirected = await arrived
    except TimeoutError:
        raise LoginRefused(f"Nobody logged in within {within:g} s.") from None
    finally:
        await runner.cleanup()
    return await issuer.redeem(code_of(redirected, challenge), challenge.verifier)


async def by_paste(issuer: Issuer) -> Tokens:
    """Ask for the address to which the browser was sent. Raises `LoginRefused`."""
    challenge = Challenge()
    print(f"Open this address and log in:\n{issuer.address(challenge)}", flush=True)  # noqa: T201
    said = await asyncio.to_thread(input, "Paste the address that the browser shows then: ")
    return await issuer.redeem(code_of(said.strip(), challenge), challenge.verifier)


async def by_device(issuer: Issuer, within: float) -> Tokens:
    """Show a code that is typed on another device. Raises `LoginRefused`."""
    code = await issuer.device()
    print(f"Open {code.address} on any device and type {code.user_code}", flush=True)  # noqa: T201
    return await issuer.confirmed(code, within)


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, "localhost", port).start()
    except OSError:
        raise ConfigurationError(
            f"Port {port} of this machine is taken, so the browser can't come back. Use --paste."
        ) from None
