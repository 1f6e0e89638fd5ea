"""Requests of definitions against a strict server that plays the documented APIs.

The servers themselves can't be had here. What is not expected is answered 418: another path,
method, query, header or body than the API's documentation says.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.local.ports import free_port
from engine.domain.call import Ending
from engine.domain.model import Json
from engine.tools.api import Endpoint
from tests.contract.definitions.bench import Definitions

TOKEN = "t0ken"
BEARER = ("Authorization", f"Bearer {TOKEN}")


@dataclass(frozen=True)
class Case:
    """An action with its input, the one request that it has to make, and what it gets."""

    action: str
    given: Mapping[str, Json]
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    header: tuple[str, str] = BEARER
    answer: Any = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


VAULT = ("X-Vault-Token", TOKEN)
CASES = [
    Case(
        "vault.kv_metadata",
        {"path": "prod/db"},
        "GET",
        "/v1/secret/metadata/prod/db",
        header=VAULT,
        answer={"data": {"current_version": 7, "updated_time": "2026-01-01T00:00:00Z"}},
        outputs={"version": "7"},
    ),
    Case(
        "vault.read_role",
        {"role": "checkout"},
        "GET",
        "/v1/database/static-roles/checkout",
        header=VAULT,
        answer={"data": {"last_vault_rotation": "2026-01-01T00:00:00Z", "rotation_period": 86400}},
        outputs={"rotated": "2026-01-01T00:00:00Z", "period": "86400"},
    ),
    Case(
        "vault.rotate_role",
        {"role": "checkout"},
        "POST",
        "/v1/database/rotate-role/checkout",
        header=VAULT,
        status=204,
    ),
    Case(
        "vault.lease_lookup",
        {"lease": "database/creds/app/2f6a"},
        "PUT",
        "/v1/sys/leases/lookup",
        header=VAULT,
        body={"lease_id": "database/creds/app/2f6a"},
        answer={"data": {"ttl": 300}},
        outputs={"ttl": "300"},
    ),
    Case(
        "argocd.get",
        {"application": "checkout"},
        "GET",
        "/api/v1/applications/checkout",
        answer={"status": {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}},
        outputs={"sync": "Synced", "health": "Healthy"},
    ),
    Case(
        "argocd.sync",
        {"application": "checkout", "revision": "a" * 40},
        "POST",
        "/api/v1/applications/checkout/sync",
        body={"revision": "a" * 40, "prune": False},
        answer={"status": {"history": [{"id": 3, "revision": "b" * 40}]}},
        outputs={"previous_id": "3", "previous_revision": "b" * 40},
    ),
    Case(
        "argocd.rollback",
        {"application": "checkout", "id": 3},
        "POST",
        "/api/v1/applications/checkout/rollback",
        body={"id": 3, "prune": False},
    ),
    Case(
        "kubectl.scale",
        {"kind": "deployment", "name": "checkout", "replicas": 4},
        "PATCH",
        "/apis/apps/v1/namespaces/shop/deployments/checkout/scale",
        body={"spec": {"replicas": 4}},
        answer={"spec": {"replicas": 4}},
        outputs={"replicas": "4"},
    ),
    Case(
        "boundary.session",
        {"session": "s_1234567890"},
        "GET",
        "/v1/sessions/s_1234567890",
        answer={"status": "active", "version": 2},
        outputs={"status": "active", "version": "2"},
    ),
    Case(
        "github.rerun_failed",
        {"repository": "acme/shop", "run": 42},
        "POST",
        "/repos/acme/shop/actions/runs/42/rerun-failed-jobs",
        status=201,
    ),
    Case(
        "github.commits",
        {"repository": "acme/shop", "branch": "main"},
        "GET",
        "/repos/acme/shop/commits",
        query={"sha": "main", "per_page": "20"},
        answer=[{"sha": "c" * 40, "commit": {"message": "x", "author": {"name": "a"}}}],
        outputs={"sha": "c" * 40},
    ),
    Case(
        "gitlab.retry_pipeline",
        {"project": "acme/shop", "pipeline": 7},
        "POST",
        "/api/v4/projects/acme%2Fshop/pipelines/7/retry",
        header=("Private-Token", TOKEN),
        answer={"status": "running"},
        outputs={"status": "running"},
    ),
    Case(
        "linear.issue",
        {"issue": "OPS-12"},
        "POST",
        "/graphql",
        header=("Authorization", TOKEN),
        body={"variables": {"id": "OPS-12"}},
        answer={"data": {"issue": {"id": "u", "title": "t", "state": {"name": "Todo"}}}},
        outputs={"title": "t", "state": "Todo"},
    ),
    Case(
        "pagerduty.acknowledge",
        {"incident": "Q1234567"},
        "PUT",
        "/incidents/Q1234567",
        header=("Authorization", f"Token token={TOKEN}"),
        body={"incident": {"type": "incident_reference", "status": "acknowledged"}},
        answer={"incident": {"status": "acknowledged"}},
        outputs={"status": "acknowledged"},
    ),
    Case(
        "grafana.annotate",
        {"text": "deploy of 4711"},
        "POST",
        "/api/annotations",
        body={"text": "deploy of 4711", "tags": ["carapulse", "P-7.1.1"]},
        answer={"id": 12},
        outputs={"id": "12"},
    ),
    Case(
        "tempo.search",
        {"service": "checkout"},
        "GET",
        "/api/search",
        query={"tags": "service.name=checkout", "limit": "20"},
        answer={"traces": [{"traceID": "ab12", "durationMs": 40}]},
        outputs={"traces": "1", "trace": "ab12", "slowest_ms": "40"},
    ),
    Case(
        "thanos.query",
        {"query": "up"},
        "GET",
        "/api/v1/query",
        query={"query": "up", "dedup": "true", "partial_response": "false"},
        answer={"data": {"result": [{"value": [1, "0.5"]}]}},
        outputs={"value": "0.5"},
    ),
]


class Strict:
    """Answers the one expected request and refuses all others."""

    def __init__(self) -> None:
        self.case: Case | None = None
        self.said: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        assert self.case
        case = self.case
        raw = await request.text()
        wrong = [
            name
            for name, holds in {
                "method": request.method == case.method,
                "path": request.raw_path.partition("?")[0] == case.path,
                "query": dict(request.query) == dict(case.query),
                "header": request.headers.get(case.header[0]) == case.header[1],
                "body": agrees(raw, case.body),
            }.items()
            if not holds
        ]
        self.said = [*wrong, raw] if wrong else []
        text = json.dumps(case.answer) if not wrong else '{"message": "not like that"}'
        return web.Response(status=418 if wrong else case.status, text=text)


def agrees(raw: str, wanted: Any) -> bool:
    """Whether a body holds what is wanted, and is empty where nothing is."""
    if wanted is None:
        return not raw
    found = json.loads(raw)
    return all(found.get(key) == value for key, value in wanted.items())


@pytest.fixture
async def strict() -> AsyncIterator[tuple[Strict, str]]:
    server = Strict()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield server, f"http://127.0.0.1:{port}"
    await runner.cleanup()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.action)
async def test_a_request_is_the_one_that_the_api_documents(
    strict: tuple[Strict, str], case: Case
) -> None:
    server, url = strict
    server.case = case
    tool = case.action.partition(".")[0]
    async with aiohttp.ClientSession() as session:
        bench = Definitions({tool: Endpoint(url, TOKEN)}, session, installed=False)
        if bench.frozen(case.action, **case.given).effect.value == "read":
            result = await bench.read(case.action, **case.given)
        else:
            _, result = await bench.write(case.action, **case.given)

    assert server.said == []
    assert result.ending is Ending.SUCCEEDED, result.message
    assert {name: result.outputs[name] for name in case.outputs} == dict(case.outputs)
