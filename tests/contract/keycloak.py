"""A real Keycloak for a session of tests: an in-memory realm with people, groups and our client."""

import asyncio
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from bot.local.issuer.server import AUDIENCE, CLIENT
from bot.local.ports import LOOPBACK, free_port

VERSION = "26.4.2"
ADMIN, PASSWORD, REALM = "root", "only-here", "acme"
READY_WITHIN = 120.0
FORM = re.compile(r'<form[^>]*\baction="([^"]+)"')
PEOPLE = {"ann": ("sre",), "bo": ("sre", "shop-owners"), "dana": ("shop",)}


def folder() -> Path:
    """Where `.ci/run` puts the archive."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "carapulse" / f"keycloak-{VERSION}"


def missing() -> str:
    """Why Keycloak can't run here; empty when it can."""
    if shutil.which("java") is None:
        return "Keycloak needs Java"
    archive = folder() / f"keycloak-quarkus-dist-{VERSION}.zip"
    return "" if archive.is_file() else f"there is no {archive.name}; .ci/run fetches it"


def unpacked() -> Path:
    """The distribution, unpacked once."""
    home = folder() / f"keycloak-{VERSION}"
    if not home.is_dir():
        fresh = folder() / f"unpacking-{os.getpid()}"
        with zipfile.ZipFile(folder() / f"keycloak-quarkus-dist-{VERSION}.zip") as archive:
            archive.extractall(fresh)
        (fresh / f"keycloak-{VERSION}").rename(home)
        fresh.rmdir()
    return home


def realm(redirect_uri: str, logout_url: str) -> dict[str, Any]:
    """As an administrator would set it up for us."""
    mappers = [
        {
            "name": "audience",
            "protocol": "openid-connect",
            "protocolMapper": "oidc-audience-mapper",
            "config": {"included.custom.audience": AUDIENCE, "access.token.claim": "true"},
        },
        {
            "name": "groups",
            "protocol": "openid-connect",
            "protocolMapper": "oidc-group-membership-mapper",
            "config": {"claim.name": "groups", "full.path": "false", "access.token.claim": "true"},
        },
    ]
    return {
        "realm": REALM,
        "enabled": True,
        "groups": [{"name": name} for name in ("sre", "shop-owners", "shop")],
        "users": [
            {
                "username": name,
                "email": f"{name}@acme.example",
                "emailVerified": True,
                "firstName": name.capitalize(),
                "lastName": "Acme",
                "enabled": True,
                "groups": list(groups),
                "credentials": [{"type": "password", "value": PASSWORD}],
            }
            for name, groups in PEOPLE.items()
        ],
        "clients": [
            {
                "clientId": CLIENT,
                "enabled": True,
                "publicClient": True,
                "standardFlowEnabled": True,
                "directAccessGrantsEnabled": True,
                "redirectUris": [redirect_uri],
                "protocolMappers": mappers,
                "attributes": {
                    "pkce.code.challenge.method": "S256",
                    "backchannel.logout.url": logout_url,
                    "backchannel.logout.session.required": "false",
                },
            }
        ],
    }


@dataclass
class Keycloak:
    """A running server with our realm in it."""

    url: str
    session: aiohttp.ClientSession

    @property
    def issuer(self) -> str:
        return f"{self.url}/realms/{REALM}"

    async def access_token(self, person: str) -> str:
        """A token for the API."""
        form = {"username": person, "password": PASSWORD, "client_id": CLIENT, "scope": "openid"}
        told = await self.token(self.issuer, {"grant_type": "password", **form})
        return str(told["access_token"])

    async def choose(self, address: str, person: str) -> str:
        """Fill in the form; where that leads back to."""
        # As browsers do: loopback counts as secure.
        jar = aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=URL(self.url).origin())
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            return await self.fill(browser, address, person)

    async def fill(self, browser: aiohttp.ClientSession, address: str, person: str) -> str:
        """The same in a browser that may know the person already."""
        shown = await (await browser.get(address)).text()
        found = FORM.search(shown)
        assert found, f"no form to sign in: {shown[:500]}"
        led = await browser.post(
            unescape(found[1]),
            data={"username": person, "password": PASSWORD},
            allow_redirects=False,
        )
        assert led.status == 302, await led.text()
        return str(led.headers["Location"])

    async def rotate(self) -> None:
        """Sign with a new key; the old one stays published."""
        config = {"priority": ["500"], "enabled": ["true"], "active": ["true"]}
        await self.administer(
            "POST",
            "/components",
            {
                "name": "newer",
                "providerId": "rsa-generated",
                "providerType": "org.keycloak.keys.KeyProvider",
                "config": {**config, "keySize": ["2048"], "algorithm": ["RS256"]},
            },
        )

    async def log_out(self, person: str) -> None:
        """End every session of a person; clients are told."""
        user = await self.subject(person)
        await self.administer("POST", f"/users/{user}/logout")

    async def subject(self, person: str) -> str:
        """How the tokens name somebody."""
        found = await self.administer("GET", f"/users?exact=true&username={person}")
        return str(found[0]["id"])

    async def administer(self, method: str, path: str, body: Any = None) -> Any:
        """The realm's administration."""
        form = {"username": ADMIN, "password": PASSWORD, "client_id": "admin-cli"}
        told = await self.token(f"{self.url}/realms/master", {"grant_type": "password", **form})
        answer = await self.session.request(
            method,
            f"{self.url}/admin/realms{f'/{REALM}' if path else ''}{path}",
            json=body,
            headers={"Authorization": f"Bearer {told['access_token']}"},
        )
        assert answer.status < 300, await answer.text()
        return await answer.json() if "json" in answer.content_type else None

    async def token(self, issuer: str, form: dict[str, str]) -> Any:
        """The token endpoint's answer."""
        address = f"{issuer}/protocol/openid-connect/token"
        answer = await self.session.post(address, data=form)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def up(self) -> bool:
        """Whether it answers."""
        try:
            return (await self.session.get(f"{self.url}/realms/master")).status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def open_keycloak(redirect_uri: str, logout_url: str, log: Path) -> AsyncIterator[Keycloak]:
    """Start it, make the realm, and stop it at the end."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(log.parent),
        "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD,
        "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
    }
    script = unpacked() / "bin" / "kc.sh"
    arguments = ("start-dev", "--http-host", LOOPBACK, "--http-port", str(port), "--db=dev-mem")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *("bash", str(script), *arguments, "--cache=local"),
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        async with aiohttp.ClientSession() as session:
            keycloak = Keycloak(f"http://{LOOPBACK}:{port}", session)
            async with asyncio.timeout(READY_WITHIN):
                while not await keycloak.up():
                    assert process.returncode is None, log.read_text()[-2000:]
                    await asyncio.sleep(0.2)
            await keycloak.administer("POST", "", realm(redirect_uri, logout_url))
            yield keycloak
    finally:
        process.terminate()
        await process.wait()
