"""What an execution left, over the API: steps, evidence, and files by links that end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bot.http.artifacts import ArtifactRoutes
from engine.artifacts.files import StoredFiles
from engine.artifacts.objects import in_folder
from engine.artifacts.spool import Spool
from engine.domain.artifact import Source
from engine.domain.execution import Execution, Phase
from engine.domain.plan import VersionState
from engine.ports import Files
from engine.secrets.links import LinkKeys, new_key
from engine.services.delivery import Delivery
from engine.services.downloads import Downloads
from engine.services.outputs import Outputs
from tests.conftest import Database
from tests.contract.problems_bench import Bench, Caller, calling, open_bench
from tests.contract.test_http import token
from tests.unit import governing

TENANT = governing.version().tenant
HOSTILE = "<script>alert(1)</script>"


@dataclass
class Filed:
    """An execution with one stored output, and whoever asks for it."""

    bench: Bench
    caller: Caller
    files: Files
    execution: Execution

    async def get(self, path: str, *scopes: str) -> tuple[int, Any]:
        headers = await token(self.bench, *(scopes or ("execution.read",)))
        return await self.caller.ask("GET", path, headers=headers)

    async def artifact(self) -> dict[str, Any]:
        _, said = await self.get(f"/v1/executions/{self.execution.reference}/artifacts")
        (item,) = said["items"]
        found: dict[str, Any] = item
        return found


@pytest.fixture
async def filed(database: Database, tmp_path: Path) -> AsyncIterator[Filed]:
    keys = tmp_path / "keys"
    keys.touch(mode=0o600)
    keys.write_text(new_key())
    files = StoredFiles(Spool(tmp_path / "spool"), in_folder(tmp_path / "store", 5))
    async with open_bench(database.app_dsn) as bench:
        version = governing.version()
        async with bench.store.begin() as unit:
            await unit.plans.add_version(version, VersionState.EXECUTING)
            execution = await unit.executions.create(version, bench.time())
        outputs = Outputs(bench.store, bench.time, TENANT, "here", files)
        source = Source(execution_id=execution.id, step=1, phase=Phase.ACT, attempt=1)
        async with outputs.of(source) as output:
            await output.line(HOSTILE)
        await Delivery(bench.store, files, bench.time).sweep()
        downloads = Downloads(bench.store, bench.time, TENANT, files, LinkKeys(keys), 300)
        routes = ArtifactRoutes(bench.store, downloads).routes()
        async with calling(bench.sidecar(more=routes)) as caller:
            yield Filed(bench, caller, files, execution)


async def test_a_file_is_saved_and_never_shown(filed: Filed) -> None:
    item = await filed.artifact()

    url = f"{filed.caller.at.url}{item['content_url']}"
    async with filed.caller.session.get(url) as response:
        body, headers = await response.read(), response.headers

    assert response.status == 200
    assert body == f"{HOSTILE}\n".encode()
    assert (item["size"], item["sha256"]) == (len(body), sha256(body).hexdigest())
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Content-Disposition"] == 'attachment; filename="step-1-act.log"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Cache-Control"] == "no-store"


async def test_a_link_that_was_changed_or_is_over_opens_nothing(filed: Filed) -> None:
    url = (await filed.artifact())["content_url"]
    until = url.partition("until=")[2].partition("&")[0]
    changed = (
        url.replace(f"until={until}", f"until={int(until) + 60}"),
        url.replace("actor=token:test", "actor=token:other"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.replace(url.split("/")[3], filed.execution.id),
    )

    answers = [(await filed.caller.ask("GET", one))[0] for one in changed]
    unsigned = await filed.caller.ask("GET", url.partition("?")[0])
    filed.bench.time.pass_minutes(6)
    late, _ = await filed.caller.ask("GET", url)

    assert changed[1] != url
    assert answers == [403, 403, 403, 403]
    assert unsigned[0] == 400
    assert late == 403


async def test_steps_tell_input_and_files(filed: Filed) -> None:
    status, said = await filed.get(f"/v1/executions/{filed.execution.id}/steps")

    (step,) = said["items"]
    assert status == 200
    assert step["input"]["call"]["argv"]
    assert [one["name"] for one in step["artifacts"]] == ["step-1-act.log"]


async def test_what_is_known_of_a_file_is_told_with_a_link(filed: Filed) -> None:
    item = await filed.artifact()

    status, said = await filed.get(f"/v1/artifacts/{item['id']}")

    assert status == 200
    assert said["state"] == "stored"
    assert said["content_url"].startswith(f"/v1/artifacts/{item['id']}/content?")


@pytest.mark.parametrize("part", ["steps", "evidence", "artifacts"])
async def test_records_of_an_execution_need_the_scope(filed: Filed, part: str) -> None:
    path = f"/v1/executions/{filed.execution.reference}/{part}"

    without = (await filed.caller.ask("GET", path))[0]
    other, _ = await filed.get(path, "plan.read")
    mine, _ = await filed.get(path)

    assert (without, other, mine) == (401, 403, 200)


async def test_a_file_of_another_tenant_is_not_there(filed: Filed) -> None:
    item = await filed.artifact()
    other = Downloads(
        type(filed.bench.store)(filed.bench.pool, "other"), filed.bench.time, TENANT, filed.files
    )
    routes = ArtifactRoutes(other.store, other).routes()

    async with calling(filed.bench.sidecar(more=routes, store=other.store)) as caller:
        headers = await token(filed.bench, "execution.read")
        path = f"/v1/artifacts/{item['id']}"
        status, _ = await caller.ask("GET", path, headers=headers)

    assert status == 404


async def test_a_purged_file_is_told_and_can_not_be_had(filed: Filed) -> None:
    item = await filed.artifact()
    filed.bench.time.pass_minutes(40 * 1440)
    await filed.bench.pool.execute("UPDATE executions SET ended_at = now()")
    await Delivery(filed.bench.store, filed.files, filed.bench.time, 30).purge()

    _, said = await filed.get(f"/v1/artifacts/{item['id']}")

    assert (said["state"], said["content_url"]) == ("purged", None)


async def test_what_is_kept_says_why_and_by_whom(filed: Filed) -> None:
    path = f"/v1/executions/{filed.execution.reference}/artifacts"
    headers = await token(filed.bench, "execution.operate", "execution.read")

    no_reason, _ = await filed.caller.ask("POST", f"{path}:keep", headers=headers, json={})
    status, _ = await filed.caller.ask(
        "POST", f"{path}:keep", headers=headers, json={"reason": "review"}
    )
    _, kept = await filed.caller.ask("GET", path, headers=headers)
    await filed.caller.ask("POST", f"{path}:release", headers=headers)
    _, released = await filed.caller.ask("GET", path, headers=headers)

    assert (no_reason, status) == (400, 200)
    assert (kept["kept"]["reason"], kept["kept"]["person"]) == ("review", "token:test")
    assert released["kept"] is None


@pytest.mark.parametrize("name", ["nothing", "..%2F..", "x" * 300, "%00"])
async def test_what_is_no_artifact_is_not_found(filed: Filed, name: str) -> None:
    status, _ = await filed.get(f"/v1/artifacts/{name}")

    assert status == 404
