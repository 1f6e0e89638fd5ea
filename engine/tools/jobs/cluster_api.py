"""The part of the Kubernetes API that a Job needs, as plain HTTP."""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import orjson

from engine.domain.model import Json

ANSWER_SECONDS = 15.0
LONGEST_LINE = 1 << 17
MERGE = "application/merge-patch+json"


class ClusterLost(Exception):
    """The API server does not answer, or stopped in the middle."""


class ClusterRefused(Exception):
    """The API server answered with an error."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


@dataclass(frozen=True, slots=True)
class ClusterApi:
    """One namespace of one cluster. Every call raises `ClusterLost` or `ClusterRefused`."""

    url: str
    namespace: str
    token: Path
    session: aiohttp.ClientSession

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, namespace: str, token: Path, ca: Path) -> AsyncIterator[Self]:
        """Connections with a token that is read again each time: clusters replace it."""
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca), limit=100)
        async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:
            yield cls(url.rstrip("/"), namespace, token, session)

    async def create(self, group: str, kind: str, body: Mapping[str, Json]) -> dict[str, Any]:
        """Make an object; as it is stored."""
        return await self._ask("POST", self._path(group, kind), body)

    async def change(self, group: str, kind: str, name: str, body: Mapping[str, Json]) -> None:
        """Change what the body says of an object."""
        await self._ask("PATCH", self._path(group, kind, name), body, MERGE)

    async def listed(self, group: str, kind: str, labels: str) -> list[dict[str, Any]]:
        """Objects with these labels."""
        target = f"{self._path(group, kind)}?labelSelector={quote(labels)}"
        return list((await self._ask("GET", target))["items"])

    async def remove(self, group: str, kind: str, name: str, *, grace: int | None = None) -> None:
        """Remove an object and what it owns; one that is gone is no error."""
        body: dict[str, Json] = {"propagationPolicy": "Background"}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        try:
            await self._ask("DELETE", self._path(group, kind, name), body)
        except ClusterRefused as error:
            if error.status != 404:
                raise

    async def log(self, pod: str) -> AsyncGenerator[bytes, None]:
        """The lines of a pod's log, as they come, to its end. Raises `ClusterLost` in between."""
        target = f"{self.url}{self._path('', 'pods', pod)}/log?follow=true"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_SECONDS)
        try:
            async with self.session.get(
                target, headers=self._headers(), timeout=timeout, read_bufsize=LONGEST_LINE
            ) as answer:
                if answer.status >= 400:
                    raise ClusterRefused(answer.status, _said(await answer.read()))
                async for line in answer.content:
                    yield line
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            raise ClusterLost("the log broke off") from None

    def _path(self, group: str, kind: str, name: str = "") -> str:
        root = f"/apis/{group}" if group else "/api/v1"
        path = f"{root}/namespaces/{self.namespace}/{kind}"
        return f"{path}/{name}" if name else path

    def _headers(self) -> dict[str, str]:
        try:
            token = self.token.read_text(encoding="utf-8").strip()
        except OSError:
            raise ClusterLost(f"the token file {self.token} can't be read") from None
        return {"Authorization": f"Bearer {token}"}

    async def _ask(
        self,
        method: str,
        target: str,
        body: Mapping[str, Json] | None = None,
        content: str = "application/json",
    ) -> dict[str, Any]:
        data = orjson.dumps(body) if body is not None else None
        try:
            async with self.session.request(
                method,
                f"{self.url}{target}",
                data=data,
                headers={**self._headers(), "Content-Type": content},
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            ) as answer:
                text = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise ClusterLost("the API server does not answer") from None
        if answer.status >= 400:
            raise ClusterRefused(answer.status, _said(text))
        try:
            found: dict[str, Any] = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise ClusterLost("the API server answered with something else") from None
        return found


def _said(text: bytes) -> str:
    """The words of an error."""
    try:
        return str(orjson.loads(text)["message"])[:500]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return text[:200].decode(errors="replace")
