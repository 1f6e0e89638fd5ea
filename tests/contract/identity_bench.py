"""A gate, an identity provider and the sidecar between them; the clock is the test's."""

import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
from aiohttp import web

from bot.http.app import Sidecar
from bot.http.approvals import ApprovalRecords
from bot.http.plans import PlanRecords
from bot.http.revocations import RevocationRecords
from bot.http.sign_in import PATH, SignInPages
from bot.local.issuer.issuer import Account, LocalIssuer
from bot.local.issuer.keys import Keys, new_key
from bot.local.issuer.server import AUDIENCE, CLIENT, open_issuer
from bot.local.ports import LOOPBACK
from engine.directory.file import FileDirectory
from engine.directory.oidc.fetching import Fetcher
from engine.directory.oidc.provider import Expected, Provider
from engine.directory.oidc.published import Published
from engine.domain.actor import Actor, Surface
from engine.domain.approval import Decided, Verdict
from engine.domain.plan import PlanVersion
from engine.policy.rego import RegoPolicy
from engine.secrets.tokens import make_token, token_hash
from engine.services.feedback import Feedback
from engine.services.identities import Identities, Standing
from engine.services.sign_ins import SignIns
from engine.services.step_ups import Door, StepUps
from engine.store.intake import open_intake
from engine.telemetry.metrics import Metrics
from tests.conftest import Database
from tests.integration.room import Room, open_room
from tests.integration.script import TENANT
from tests.unit.governing import POLICIES

PEOPLE = """
people:
  - {id: dana, name: Dana, email: dana@acme.example, oidc: [{subject: U0DANA}], groups: [shop]}
  - {id: ann, name: Ann, email: ann@acme.example, oidc: [{subject: U0ANN}], groups: [sre]}
  - {id: bo, name: Bo, email: bo@acme.example, groups: [sre, shop-owners]}
  - {id: cy, name: Cy, groups: [security]}
groups: [{id: shop}, {id: sre}, {id: shop-owners}, {id: security}]
"""
MORE_RULES = """
package policy.assistant.v1

import rego.v1

step_up_needed if input.risk == "medium"
"""
READS = ("plan.read", "plan.create")
KEY = new_key()
HREF = re.compile(r'class="go" href="([^"]+)"')


@dataclass
class Reply:
    """What came back."""

    status: int
    body: Any
    headers: Any

    @property
    def text(self) -> str:
        return str(self.body)


@dataclass
class Bench:
    """Everything that a test touches."""

    room: Room
    issuer: LocalIssuer
    provider: Provider
    identities: Identities
    step_ups: StepUps
    sign_ins: SignIns
    session: aiohttp.ClientSession
    url: str
    program: str
    cookies: dict[str, str] = field(default_factory=dict)

    def token(self, person: str, **claims: Any) -> str:
        return self.issuer.access_token(f"U0{person.upper()}", **claims)

    async def ask(
        self, method: str, path: str, token: str = "", body: Any = None, **headers: str
    ) -> Reply:
        given = {"Authorization": f"Bearer {token}"} if token else {}
        address = f"{self.url}{path}"
        async with self.session.request(
            method, address, json=body, headers=given | headers
        ) as response:
            return Reply(response.status, await response.json(content_type=None), response.headers)

    async def decide(self, who: str, plan: PlanVersion, /, **body: Any) -> Reply:
        said = {"plan_id": plan.reference, "status": "approved", **body}
        return await self.ask("POST", "/v1/approvals", self.token(who), said)

    async def press(self, actor: Actor, version: PlanVersion) -> Decided:
        """The button in Slack."""
        return await self.step_ups.decide(
            actor, version.plan_id, version.version, Verdict.APPROVE, surface=Surface.BUTTON
        )

    async def page(self, address: str, *, cookies: dict[str, str] | None = None) -> Reply:
        """Open a page as a browser does, without following where it leads."""
        kept = self.cookies if cookies is None else cookies
        async with self.session.get(address, allow_redirects=False, cookies=kept) as response:
            for name, morsel in response.cookies.items():
                kept[name] = morsel.value
            return Reply(response.status, await response.text(), response.headers)

    async def to_issuer(self, link: str, *, cookies: dict[str, str] | None = None) -> str:
        """Open the link and press its button; where the issuer wants people to choose."""
        shown = await self.page(link, cookies=cookies)
        assert shown.status == 200, shown.text
        found = HREF.search(shown.text)
        assert found
        led = await self.page(f"{self.url}{found[1]}", cookies=cookies)
        assert led.status == 303, led.text
        return str(led.headers["Location"])

    async def choose(self, address: str, person: str) -> str:
        """Choose a name at the issuer; where that leads back to."""
        chosen = address.replace("/authorize?", f"/authorize/U0{person.upper()}?")
        led = await self.page(chosen, cookies={})
        assert led.status == 303, led.text
        return str(led.headers["Location"])

    async def sign_in(self, link: str, person: str) -> Reply:
        """The whole way, as somebody."""
        return await self.page(await self.choose(await self.to_issuer(link), person))

    async def audited(self, action: str) -> list[str]:
        rows = await self.room.pool.fetch(
            "SELECT decision FROM audit WHERE action = $1 ORDER BY id", action
        )
        return [row["decision"] for row in rows]


@asynccontextmanager
async def open_bench(database: Database, folder: Path) -> AsyncIterator[Bench]:
    """Changes of medium risk need a second sign-in here."""
    (folder / "people.yaml").write_text(PEOPLE)
    (folder / "more").mkdir()
    (folder / "more" / "step_up.rego").write_text(MORE_RULES)
    bound = socket.socket()
    bound.bind((LOOPBACK, 0))  # kept, because the issuer must know where people come back to
    url = f"http://{LOOPBACK}:{bound.getsockname()[1]}"
    back = f"{url}{PATH}"
    async with (
        open_room(database, folder) as room,
        open_issuer(people(), f"{back}/callback", keys=Keys(held=[KEY])) as issuer,
        aiohttp.ClientSession() as session,
    ):
        room.policy.rego = RegoPolicy([POLICIES, folder / "more"])
        issuer.clock = lambda: room.now.timestamp()
        provider = provided(issuer, room, f"{back}/callback")
        directory = FileDirectory(folder / "people.yaml", tenant=TENANT)
        standing = Standing({"idp-sre": "sre"}, {"*": READS, "security": ("token.revoke",)})

        def clock() -> Any:
            return room.now

        identities = Identities(room.store, directory, directory, provider, clock, TENANT, standing)
        lasts, leeway = timedelta(minutes=5), timedelta(seconds=30)
        sign_ins = SignIns(room.store, provider, clock, TENANT, back, lasts, leeway)
        step_ups = StepUps(room.gate, room.store, clock, Door(sign_ins, identities))
        sidecar = Sidecar(
            room.store,
            open_intake(room.pool, TENANT, "bench"),
            Metrics(),
            callers=identities,
            more=[
                *ApprovalRecords(room.store, step_ups).routes(),
                *PlanRecords(room.store, Feedback(room.store, clock, TENANT)).routes(),
                *RevocationRecords(room.store, identities).routes(),
                *SignInPages(room.store, directory, sign_ins, identities, step_ups).routes(),
            ],
        )
        program = make_token()
        async with room.store.begin() as unit:
            await unit.tokens.add("ci", token_hash(program), ["plan.read", "token.revoke"])
        runner = web.AppRunner(sidecar.app(), access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.SockSite(runner, bound).start()
        try:
            yield Bench(
                room, issuer, provider, identities, step_ups, sign_ins, session, url, program
            )
        finally:
            await runner.cleanup()
            await provider.close()


def people() -> dict[str, Account]:
    """Who can sign in; eve is nobody of the directory."""
    names = ("dana", "ann", "bo", "cy", "eve")
    return {
        f"U0{name.upper()}": Account(
            f"U0{name.upper()}", name.capitalize(), f"{name}@acme.example", ("idp-sre",)
        )
        for name in names
    }


def provided(issuer: LocalIssuer, room: Room, redirect_uri: str) -> Provider:
    """Ours, for this issuer."""
    fetcher = Fetcher(frozenset({LOOPBACK}))
    published = Published(
        issuer.url, fetcher, algorithms=("RS256", "ES256"), ttl=600, clock=monotonic
    )
    expected = Expected(issuer.url, AUDIENCE, CLIENT)
    return Provider(expected, published, fetcher, lambda: room.now, redirect_uri)
