"""A strict server that plays the documented part of Vault's HTTP API; no Vault is to be had here.

It follows developer.hashicorp.com/vault/api-docs: AppRole, Kubernetes, tokens, wrapping, leases,
KV version 2, and the engines that mint (database, aws, kubernetes). What a real server would not
take it refuses too: another method, another header, an unknown field.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from aiohttp import web

from engine.domain.model import Json

ROLE_ID, NAMESPACE, JWT = "59d6d1ca-47bb-4e7e-a40b-8be3bc5a0ba8", "team-a", "ey.kubelet.jwt"
HEALTH = {429: "standby", 472: "dr", 473: "perfstandby", 501: "uninitialised", 503: "sealed"}
Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass
class Token:
    """A token with its ends, in seconds of this machine's clock."""

    ends: float
    last: float
    seconds: float


@dataclass
class Lease:
    token: str
    ends: float
    data: dict[str, Json]


@dataclass
class PlayedVault:
    """What it knows, and what it was asked."""

    url: str = ""
    ttl: float = 3600
    longest: float = 36000
    lease_ttl: float = 3600
    renewable: bool = True
    namespace: str = ""
    answers: int = 0
    secret_ids: set[str] = field(default_factory=lambda: {"first-secret-id"})
    wrapped: dict[str, tuple[str, dict[str, Json]]] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)
    minted: set[str] = field(default_factory=set)
    kv: dict[str, dict[str, Json]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)

    def count(self, path: str) -> int:
        return sum(one == path for one in self.asked)

    def wrap(self, secret_id: str, path: str = "auth/approle/role/worker/secret-id") -> str:
        """A wrapping token, good for one look."""
        token = f"hvs.wrap-{token_hex(8)}"
        self.wrapped[token] = (path, {"secret_id": secret_id, "secret_id_ttl": 0})
        return token

    async def answer(self, request: web.Request) -> web.Response:
        """Every request goes through here."""
        path = request.path.removeprefix("/v1/")
        self.asked.append(f"{request.method} {path}")
        if self.answers:
            return web.json_response(
                {"errors": [HEALTH.get(self.answers, "away")]}, status=self.answers
            )
        if request.headers.get("X-Vault-Request") != "true":
            return refused(400, "missing X-Vault-Request")
        if request.headers.get("X-Vault-Namespace", "") != self.namespace:
            return refused(404, "no handler for route; no such namespace")
        body = await request.json() if request.can_read_body else {}
        return self._routed(request.method, path, request.headers.get("X-Vault-Token", ""), body)

    def _routed(self, method: str, path: str, token: str, body: dict[str, Any]) -> web.Response:
        open_to_all = {
            ("POST", "auth/approle/login"): self._approle,
            ("POST", "auth/kubernetes/login"): self._kubernetes,
            ("POST", "sys/wrapping/lookup"): self._looked_at,
        }
        if found := open_to_all.get((method, path)):
            return found(body)
        if (method, path) == ("GET", "sys/health"):
            return web.json_response({"initialized": True, "sealed": False, "standby": False})
        if (method, path) == ("POST", "sys/wrapping/unwrap"):
            return self._unwrapped(token)
        if not self._lives(token) or path in self.forbidden:
            return refused(403, "permission denied")
        return self._known(method, path, token, body)

    def _known(self, method: str, path: str, token: str, body: dict[str, Any]) -> web.Response:
        match (method, path):
            case ("POST", "auth/token/renew-self"):
                return self._renewed(token)
            case ("GET", "auth/token/lookup-self"):
                return web.json_response({"data": {"ttl": 1}})
            case ("POST", "auth/token/revoke-self"):
                self._revoke_token(token)
                return web.Response(status=204)
            case ("PUT", "sys/leases/revoke"):
                self.revoked.append(body["lease_id"])
                self.leases.pop(body["lease_id"], None)
                return web.Response(status=204)
            case ("PUT", "sys/leases/renew"):
                return self._longer(body)
        return self._secret(method, path, token, body)

    def _secret(self, method: str, path: str, token: str, body: dict[str, Any]) -> web.Response:
        if method == "GET" and path in self.kv:
            metadata: Json = {"version": 3, "created_time": "2026-01-01T00:00:00Z"}
            return web.json_response(
                {"lease_id": "", "data": {"data": self.kv[path], "metadata": metadata}}
            )
        data = credentials(method, path, body)
        if data is None:
            return refused(404)
        self.minted |= {str(data.get("password", ""))} - {""}
        lease = f"{path}/{token_hex(12)}"
        self.leases[lease] = Lease(token, time.monotonic() + self.lease_ttl, data)
        return web.json_response(
            {
                "request_id": token_hex(8),
                "lease_id": lease,
                "lease_duration": int(self.lease_ttl),
                "renewable": True,
                "data": data,
            }
        )

    def _longer(self, body: dict[str, Any]) -> web.Response:
        lease = self.leases.get(body["lease_id"])
        if lease is None:
            return refused(400, "lease not found")
        lease.ends = time.monotonic() + body["increment"]
        given = {"lease_id": body["lease_id"], "lease_duration": body["increment"]}
        return web.json_response({**given, "renewable": True})

    def _approle(self, body: dict[str, Any]) -> web.Response:
        if set(body) - {"role_id", "secret_id"} or body.get("role_id") != ROLE_ID:
            return refused(400, "invalid role or secret ID")
        if body.get("secret_id") not in self.secret_ids:
            return refused(400, "invalid role or secret ID")
        return self._logged_in()

    def _kubernetes(self, body: dict[str, Any]) -> web.Response:
        if body.get("role") != "worker" or not str(body.get("jwt", "")).startswith(JWT):
            return refused(403, "permission denied")
        return self._logged_in()

    def _logged_in(self) -> web.Response:
        token, now = f"hvs.{token_hex(12)}", time.monotonic()
        self.tokens[token] = Token(now + self.ttl, now + self.longest, self.ttl)
        return self._auth(token, self.ttl)

    def _renewed(self, token: str) -> web.Response:
        now, held = time.monotonic(), self.tokens[token]
        seconds = min(held.seconds, held.last - now)
        held.ends = now + seconds
        return self._auth(token, seconds)

    def _auth(self, token: str, seconds: float) -> web.Response:
        auth = {
            "client_token": token,
            "accessor": "acc",
            "policies": ["worker"],
            "lease_duration": seconds,
            "renewable": self.renewable,
        }
        return web.json_response({"auth": auth, "data": None, "lease_id": ""})

    def _looked_at(self, body: dict[str, Any]) -> web.Response:
        found = self.wrapped.get(body.get("token", ""))
        if found is None:
            return refused(400, "wrapping token is not valid or does not exist")
        return web.json_response({"data": {"creation_path": found[0], "creation_ttl": 60}})

    def _unwrapped(self, token: str) -> web.Response:
        found = self.wrapped.pop(token, None)
        if found is None:
            return refused(400, "wrapping token is not valid or does not exist")
        return web.json_response({"data": found[1], "wrap_info": None})

    def _revoke_token(self, token: str) -> None:
        self.tokens.pop(token, None)
        for lease in [one for one, held in self.leases.items() if held.token == token]:
            self.revoked.append(lease)
            del self.leases[lease]

    def _lives(self, token: str) -> bool:
        return token in self.tokens and self.tokens[token].ends > time.monotonic()


def credentials(method: str, path: str, body: dict[str, Any]) -> dict[str, Json] | None:
    """New credentials of a secrets engine; None where there is nothing of that name."""
    if (method, path) == ("GET", "database/creds/reader"):
        return {"username": f"v-worker-{token_hex(4)}", "password": f"A1a-{token_hex(10)}"}
    if (method, path) == ("GET", "aws/creds/deployer"):
        keys: dict[str, Json] = {
            "access_key": f"AKIA{token_hex(8).upper()}",
            "security_token": None,
        }
        return {**keys, "secret_key": token_hex(20)}
    if (method, path) == ("POST", "kubernetes/creds/deployer"):
        if set(body) - {"kubernetes_namespace", "ttl"}:
            return None
        return {"service_account_name": "worker", "service_account_token": f"ey.{token_hex(20)}"}
    return None


def refused(status: int, *said: str) -> web.Response:
    return web.json_response({"errors": list(said)}, status=status)


@asynccontextmanager
async def played_vault() -> AsyncIterator[PlayedVault]:
    """A Vault on a free port."""
    vault = PlayedVault()
    app = web.Application()
    app.router.add_route("*", "/v1/{path:.+}", vault.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    vault.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield vault
    finally:
        await runner.cleanup()
