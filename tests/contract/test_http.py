"""The sidecar over a real socket and a real database."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.http import hooks
from bot.http.app import open_sidecar
from bot.http.hooks import Room
from engine.domain.conversation import PostKind
from engine.domain.execution import LogLine
from engine.domain.plan import PlanVersion, VersionState
from engine.errors import Unavailable
from engine.secrets.tokens import make_token, token_hash
from tests.conftest import Database
from tests.contract.problems_bench import (
    LABELS,
    Bench,
    Caller,
    body,
    calling,
    open_bench,
)
from tests.unit import governing

PAYLOADS = Path(__file__).parents[3] / "shared" / "data" / "webhooks"


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    async with open_bench(database.app_dsn) as opened:
        yield opened


@pytest.fixture
async def caller(bench: Bench) -> AsyncIterator[Caller]:
    async with calling(bench.sidecar()) as opened:
        yield opened


def payloads() -> list[Path]:
    if not PAYLOADS.is_dir():
        return []
    found = [*(PAYLOADS / "alertmanager").rglob("*.json*"), *(PAYLOADS / "malformed").glob("*")]
    return sorted(path for path in found if path.is_file())


def content(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


# --- the hook ------------------------------------------------------------------------------


async def test_a_delivery_becomes_a_problem(bench: Bench, caller: Caller) -> None:
    status, said = await caller.deliver(body(bench.alert()))
    await bench.run_jobs()

    assert (status, said) == (200, {"status": "accepted"})
    (problem,) = await bench.problems()
    assert problem.title == "CheckoutErrorRateHigh"
    outcomes = await bench.pool.fetch("SELECT outcome FROM inbox WHERE handled_at IS NOT NULL")
    assert [row["outcome"] for row in outcomes] == ["1 problems"]


async def test_the_same_delivery_fifty_times_at_once_is_one_problem_and_one_post(
    bench: Bench, caller: Caller
) -> None:
    given = body(bench.alert())

    answers = await asyncio.gather(*(caller.deliver(given) for _ in range(50)))
    await bench.run_jobs()

    assert {status for status, _ in answers} == {200}
    said = [answer["status"] for _, answer in answers]
    assert (said.count("accepted"), said.count("repeated")) == (1, 49)
    assert len(await bench.problems()) == 1
    assert [post.kind for post in await bench.posts()] == [PostKind.PROBLEM]


@pytest.mark.parametrize("token", [None, "wrong", "hook-token2", "é"])
async def test_nobody_delivers_without_the_token(
    bench: Bench, caller: Caller, token: str | None
) -> None:
    status, said = await caller.deliver(body(bench.alert()), token)

    assert status == 401
    assert said["title"] == "Unauthorized"
    assert await bench.pool.fetchval("SELECT count(*) FROM inbox") == 0


async def test_without_a_configured_token_nobody_delivers(bench: Bench) -> None:
    async with calling(bench.sidecar(hook_token="")) as caller:
        status, _ = await caller.deliver(body(bench.alert()), "any")

    assert status == 403


async def test_a_malformed_body_is_explained(bench: Bench, caller: Caller) -> None:
    status, said = await caller.deliver(body(bench.alert("exploded")))

    assert status == 400
    assert said["errors"] == [
        {"path": "alerts.0.status", "detail": "firing or resolved is expected"}
    ]
    assert await bench.pool.fetchval("SELECT count(*) FROM inbox") == 0


async def test_too_large_a_body_is_refused(caller: Caller) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(hooks.LARGEST // hooks.CHUNK + 2):
            yield b" " * hooks.CHUNK

    url, headers = f"{caller.at.url}/v1/hooks/alertmanager", {"Authorization": "Bearer hook-token"}
    async with caller.session.post(url, data=endless(), headers=headers) as response:
        assert response.status == 413
        assert response.content_type == "application/problem+json"


async def test_overload_asks_to_come_back_and_never_says_429(bench: Bench) -> None:
    full = bench.sidecar(room=Room(requests=0))

    async with calling(full) as caller:
        url = f"{caller.at.url}/v1/hooks/alertmanager"
        headers = {"Authorization": "Bearer hook-token"}
        async with caller.session.post(url, data=body(bench.alert()), headers=headers) as response:
            assert response.status == 503
            assert response.headers["Retry-After"] == "1"

    assert await bench.pool.fetchval("SELECT count(*) FROM inbox") == 0


async def test_room_is_given_back() -> None:
    room = Room(size=10)

    async with room.taken(10):
        with pytest.raises(Unavailable):
            async with room.taken(1):
                pass
    async with room.taken(10):
        pass


async def test_a_database_that_is_away_asks_to_come_back(bench: Bench, caller: Caller) -> None:
    await bench.pool.close()

    async with caller.session.post(
        f"{caller.at.url}/v1/hooks/alertmanager",
        data=body(bench.alert()),
        headers={"Authorization": "Bearer hook-token"},
    ) as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "1"


@pytest.mark.skipif(not payloads(), reason="the collected webhooks are not here")
async def test_no_payload_makes_us_fail(bench: Bench, caller: Caller) -> None:
    answers = {path.name: await caller.deliver(content(path)) for path in payloads()}
    await bench.run_jobs()

    assert [name for name, (status, _) in answers.items() if status >= 500] == []
    accepted = {name for name, (status, _) in answers.items() if status == 200}
    assert {"alertmanager_alert.json", "Storm-one.firing.10000.json.gz"} <= accepted
    refused = {name for name in answers if name.startswith("alertmanager-malformed")}
    assert refused.isdisjoint(accepted)
    assert await bench.pool.fetchval("SELECT count(*) FROM inbox WHERE handled_at IS NULL") == 0
    assert len(await bench.problems()) > 3


@pytest.mark.parametrize("count", [253, 10_000])
async def test_a_storm_in_one_body_is_one_problem_that_loses_no_alert(
    bench: Bench, caller: Caller, count: int
) -> None:
    storm = [bench.alert(labels={**LABELS, "pod": f"pod-{at}"}) for at in range(count)]

    status, _ = await caller.deliver(body(*storm))
    await bench.run_jobs()

    assert status == 200
    (problem,) = await bench.problems()
    assert len(problem.alerts) == count
    assert len(await bench.posts()) == 1


async def test_a_storm_of_many_bodies_is_one_problem_and_few_changes(
    bench: Bench, caller: Caller
) -> None:
    storm = [
        body(bench.alert(labels={**LABELS, "pod": f"pod-{at}"}), groupKey=f"{{}}:{at}")
        for at in range(300)
    ]

    for part in range(0, 300, 50):
        answers = await asyncio.gather(*map(caller.deliver, storm[part : part + 50]))
        assert {status for status, _ in answers} == {200}
    await bench.run_jobs()

    (problem,) = await bench.problems()
    assert len(problem.alerts) == 300
    (card,) = await bench.posts()
    assert card.wanted <= 3


async def test_a_request_under_way_is_finished_when_the_sidecar_stops(bench: Bench) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        arrived.set()
        await go_on.wait()

    async with aiohttp.ClientSession() as session:
        async with open_sidecar(bench.sidecar(checks={"slow": slow})) as at:
            under_way = asyncio.ensure_future(session.get(f"{at.url}/readyz"))
            await arrived.wait()
            asyncio.get_running_loop().call_later(0.2, go_on.set)
        response = await under_way
        said = await response.json()

    assert said["checks"]["slow"] == "ok"


# --- health and metrics --------------------------------------------------------------------


async def test_it_is_alive_without_a_database_but_not_ready(bench: Bench, caller: Caller) -> None:
    before = await caller.ask("GET", "/readyz")
    await bench.pool.close()

    assert before == (200, {"status": "ok", "checks": {"postgres": "ok"}})
    assert await caller.ask("GET", "/healthz") == (200, {"status": "ok"})
    status, said = await caller.ask("GET", "/readyz")
    assert (status, said["status"]) == (503, "unavailable")


async def test_degraded_is_not_dead(bench: Bench) -> None:
    async def away() -> None:
        raise Unavailable("redis", "Redis does not answer.")

    async def hangs() -> None:
        await asyncio.Event().wait()

    async def fine() -> None:
        pass

    checks = {"redis": away, "temporal": hangs, "slack": fine}
    async with calling(bench.sidecar(checks=checks)) as caller:
        status, said = await caller.ask("GET", "/readyz")

    assert status == 200
    assert said == {
        "status": "degraded",
        "checks": {
            "postgres": "ok",
            "redis": "Redis does not answer.",
            "temporal": "no answer within 2 s",
            "slack": "ok",
        },
    }


async def test_requests_are_counted_by_template_and_made_up_paths_as_one(
    bench: Bench, caller: Caller
) -> None:
    for path in ("/v1/plans/P-1", "/v1/plans/P-2", "/made/up", "/made/up/too"):
        await caller.ask("GET", path)

    async with caller.session.get(f"{caller.at.url}/metrics") as response:
        shown = await response.text()

    counted = "carapulse_http_requests_total"
    assert f'{counted}{{method="GET",path="/v1/plans/{{id}}",status="401"}} 2.0' in shown
    assert f'{counted}{{method="GET",path="unmatched",status="404"}} 2.0' in shown
    assert "P-1" not in shown


# --- errors --------------------------------------------------------------------------------


async def test_every_error_is_problem_details_with_a_request_id(caller: Caller) -> None:
    async with caller.session.get(f"{caller.at.url}/nowhere") as response:
        said = await response.json(content_type="application/problem+json")

    assert (response.status, said["status"], said["title"]) == (404, 404, "Not Found")
    assert said["detail"] == "There is nothing at this address."
    assert said["request_id"] == response.headers["X-Request-Id"]


async def test_a_wrong_method_is_told_the_right_one(caller: Caller) -> None:
    async with caller.session.put(f"{caller.at.url}/v1/hooks/alertmanager") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "POST"
        said = await response.json(content_type="application/problem+json")

    assert said["detail"] == "This address does not take PUT; it takes POST."


@pytest.mark.parametrize(("given", "kept"), [("abc-1", True), ("a b", False), ("x" * 65, False)])
async def test_a_callers_request_id_is_kept_when_it_is_plain(
    caller: Caller, given: str, kept: bool
) -> None:
    async with caller.session.get(
        f"{caller.at.url}/healthz", headers={"X-Request-Id": given}
    ) as response:
        assert (response.headers["X-Request-Id"] == given) is kept


async def test_a_bug_is_told_without_its_details(bench: Bench) -> None:
    class Broken:
        def begin(self) -> None:
            raise KeyError("secret detail")

    async with calling(bench.sidecar(store=Broken())) as caller:
        status, said = await caller.ask(
            "GET", "/v1/plans/P-1", headers={"Authorization": f"Bearer {make_token()}"}
        )

    assert status == 500
    assert "secret detail" not in json.dumps(said)


# --- records -------------------------------------------------------------------------------


async def token(bench: Bench, *scopes: str) -> dict[str, str]:
    made = make_token()
    async with bench.store.begin() as unit:
        await unit.tokens.add("test", token_hash(made), scopes)
    return {"Authorization": f"Bearer {made}"}


async def stored(bench: Bench) -> PlanVersion:
    version = governing.version()
    async with bench.store.begin() as unit:
        await unit.plans.add_version(version, VersionState.WAITING)
    return version


async def test_a_plan_is_found_by_reference_and_by_id(bench: Bench, caller: Caller) -> None:
    version = await stored(bench)
    headers = await token(bench, "plan.read")

    status, by_reference = await caller.ask("GET", "/v1/plans/p-1042", headers=headers)
    _, by_id = await caller.ask("GET", f"/v1/plans/{version.plan_id}", headers=headers)

    assert status == 200
    assert by_reference == by_id
    assert by_id["state"] == "waiting"
    assert (by_id["digest"], by_id["version"], by_id["risk"]) == (version.digest, 1, "medium")
    assert by_id["steps"][0]["call"]["argv"] == [
        list(command) for command in version.steps[0].call.commands
    ]


async def test_an_execution_and_its_log_are_read_in_pages(bench: Bench, caller: Caller) -> None:
    version = await stored(bench)
    headers = await token(bench, "execution.read")
    async with bench.store.begin() as unit:
        execution = await unit.executions.create(version, bench.time())
        await unit.executions.add_lines(
            [
                LogLine(execution_id=execution.id, step=1, at=bench.time(), text=f"line {at}")
                for at in range(5)
            ]
        )

    _, found = await caller.ask("GET", f"/v1/executions/{execution.reference}", headers=headers)
    seen, after = [], 0
    for _ in range(3):
        path = f"/v1/executions/{execution.reference}/logs?after={after}&limit=2"
        _, page = await caller.ask("GET", path, headers=headers)
        seen.append([line["text"] for line in page["items"]])
        after = page["next"]

    assert (found["execution_id"], found["state"]) == (execution.id, "pending")
    assert [step["state"] for step in found["steps"]] == ["pending"]
    assert seen == [["line 0", "line 1"], ["line 2", "line 3"], ["line 4"]]
    assert after is None


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "after=-1", "after=x", "a=1&a=2"])
async def test_a_wrong_query_is_refused(bench: Bench, caller: Caller, query: str) -> None:
    headers = await token(bench, "execution.read")

    status, _ = await caller.ask("GET", f"/v1/executions/X-1/logs?{query}", headers=headers)

    assert status == 400


@pytest.mark.parametrize(
    "path", ["/v1/plans/P-1042", "/v1/executions/X-301", "/v1/executions/X-301/logs"]
)
async def test_records_need_a_token_with_the_scope(bench: Bench, caller: Caller, path: str) -> None:
    other = await token(bench, "other.read")
    hook = {"Authorization": "Bearer hook-token"}
    invented = {"Authorization": f"Bearer {make_token()}"}

    found = [
        (await caller.ask("GET", path, headers=headers))[0]
        for headers in ({}, hook, invented, other)
    ]

    assert found == [401, 401, 401, 403]


async def test_a_revoked_token_is_unknown(bench: Bench, caller: Caller) -> None:
    headers = await token(bench, "plan.read")
    await bench.pool.execute("UPDATE service_tokens SET revoked_at = now()")

    status, _ = await caller.ask("GET", "/v1/plans/P-1042", headers=headers)

    assert status == 401


@pytest.mark.parametrize("name", ["P-9", "nothing", "%00", "%F0%9F%94%A5", "x" * 500])
async def test_what_is_not_there_is_not_found(bench: Bench, caller: Caller, name: str) -> None:
    headers = await token(bench, "plan.read")

    status, said = await caller.ask("GET", f"/v1/plans/{name}", headers=headers)

    assert (status, said["title"]) == (404, "Not Found")


async def test_the_plan_of_another_tenant_is_not_there(bench: Bench, caller: Caller) -> None:
    await stored(bench)
    headers = await token(bench, "plan.read")
    await bench.pool.execute("UPDATE plans SET tenant = 'other'")

    status, _ = await caller.ask("GET", "/v1/plans/P-1042", headers=headers)

    assert status == 404
