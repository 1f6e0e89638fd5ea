"""The issuer over HTTP: discovery, keys, the page where people choose a name, tokens."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import escape

from aiohttp import web
from yarl import URL

from bot.local.issuer.issuer import Account, Client, LocalIssuer, Wrong
from bot.local.issuer.keys import Keys
from bot.local.ports import LOOPBACK
from bot.local.slack.world import World

CLIENT, AUDIENCE = "carapulse", "carapulse-api"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
STYLE = (
    "body{margin:0;font:17px/1.5 system-ui,sans-serif}main{max-width:30rem;margin:0 auto;"
    "padding:2rem 1.25rem}a{display:block;margin:.5rem 0;padding:.75rem 1rem;border:1px solid;"
    "border-radius:.5rem;text-decoration:none;color:inherit}.no{border:0;opacity:.7}"
)


@dataclass(frozen=True, slots=True)
class Doors:
    """The routes."""

    issuer: LocalIssuer

    def app(self) -> web.Application:
        """All of them."""
        app = web.Application(client_max_size=64 * 1024)
        app.add_routes(
            [
                web.get("/.well-known/openid-configuration", self.discover),
                web.get("/jwks", self.keys),
                web.get("/authorize", self.choose),
                web.get("/authorize/{subject}", self.chosen),
                web.post("/token", self.token),
                web.get("/access-token/{subject}", self.access),
            ]
        )
        return app

    async def discover(self, _request: web.Request) -> web.Response:
        return web.json_response(self.issuer.discovery())

    async def keys(self, _request: web.Request) -> web.Response:
        return web.json_response(self.issuer.keys.published())

    async def choose(self, request: web.Request) -> web.Response:
        """A link for each person who can sign in."""
        try:
            asked = self.issuer.asked(request.query)
        except Wrong as wrong:
            return page(f"<h1>This can't be done</h1><p>{escape(str(wrong))}</p>", status=400)
        links = "".join(
            f'<a href="{escape(f"/authorize/{one.subject}?{request.query_string}")}">'
            f"Continue as {escape(one.name)}</a>"
            for one in self.issuer.accounts.values()
        )
        no = URL(asked.redirect_uri).update_query(error="access_denied", state=asked.state)
        back = f'<a class="no" href="{escape(str(no))}">Not now</a>'
        return page(f"<h1>Sign in</h1><p>To approve in Carapulse.</p>{links}{back}")

    async def chosen(self, request: web.Request) -> web.Response:
        """Back to the client, with a code."""
        try:
            asked = self.issuer.asked(request.query)
            code = self.issuer.code(asked, request.match_info["subject"])
        except Wrong as wrong:
            return page(f"<h1>This can't be done</h1><p>{escape(str(wrong))}</p>", status=400)
        back = URL(asked.redirect_uri).update_query(code=code, state=asked.state)
        return web.Response(status=303, headers={"Location": str(back)})

    async def token(self, request: web.Request) -> web.Response:
        """Tokens for a code."""
        form = await request.post()
        given = {name: value for name, value in form.items() if isinstance(value, str)}
        try:
            return web.json_response(
                self.issuer.redeem(given), headers={"Cache-Control": "no-store"}
            )
        except Wrong as wrong:
            said = {"error": wrong.code, "error_description": str(wrong)}
            return web.json_response(said, status=400)

    async def access(self, request: web.Request) -> web.Response:
        """A token for the API as plain text, to try the command line with."""
        subject = request.match_info["subject"]
        if subject not in self.issuer.accounts:
            return web.Response(status=404, text="Nobody of that name.\n")
        return web.Response(text=self.issuer.access_token(subject))


def page(body: str, *, status: int = 200) -> web.Response:
    """A small page."""
    return web.Response(
        status=status,
        text=(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<style>{STYLE}</style></head><body><main>{body}</main></body></html>"
        ),
        content_type="text/html",
        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"},
    )


def accounts(world: World) -> Mapping[str, Account]:
    """Full members of the local Slack, with their user groups."""
    return {
        user.id: Account(
            subject=user.id,
            name=user.real_name,
            email=user.email,
            groups=tuple(one.handle for one in world.usergroups if user.id in one.members),
        )
        for user in world.users
        if not (user.is_bot or user.is_restricted or user.is_stranger or user.deleted)
    }


@asynccontextmanager
async def open_issuer(
    people: Mapping[str, Account], redirect_uri: str, *, port: int = 0, keys: Keys | None = None
) -> AsyncIterator[LocalIssuer]:
    """Serve an issuer for as long as the block lasts; without `keys` it makes its own."""
    issuer = LocalIssuer("", Client(CLIENT, AUDIENCE, redirect_uri), people, keys or Keys())
    runner = web.AppRunner(Doors(issuer).app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        issuer.url = f"http://{LOOPBACK}:{runner.addresses[0][1]}"
        yield issuer
    finally:
        await runner.cleanup()


def environment(port: int) -> dict[str, str]:
    """Settings that let Carapulse use the issuer at this port."""
    return {
        "CARAPULSE_OIDC__ISSUER": f"http://{LOOPBACK}:{port}",
        "CARAPULSE_OIDC__AUDIENCE": AUDIENCE,
        "CARAPULSE_OIDC__CLIENT_ID": CLIENT,
        "CARAPULSE_OIDC__ALLOWED_HOSTS": f'["{LOOPBACK}"]',
    }
