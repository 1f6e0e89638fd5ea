"""What calls are given: minted when they begin, told to nobody, taken back when they end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from aiohttp import web

from engine.credentials import gone, now
from engine.domain.call import Ending
from engine.domain.minted import Giver, Minted
from engine.errors import ConfigurationError, Unavailable
from engine.store.connection import open_pool
from engine.store.minted import PostgresMinted
from engine.tools.holders import Holder
from tests.conftest import Database
from tests.contract.played_vault import PlayedVault, played_vault
from tests.contract.secret_bench import (
    SecretBench,
    report_to,
    secret_bench,
    settings_for,
    until,
)

KV = "secret/data/team/box"
PASSWORD, PIN = 'pa"ss word+/=9', "pin-0042-9911"
DATABASE = "database/creds/reader"


@pytest.fixture
async def vault() -> AsyncIterator[PlayedVault]:
    async with played_vault() as played:
        played.kv[KV] = {"password": PASSWORD, "pin": PIN, "username": "service", "port": 5432}
        yield played


def reader(folder: Path, **more: Any) -> dict[str, Any]:
    """A connection whose database credentials are minted; both variables are of one lease."""
    variables = {
        "PGUSER": "{username}",
        "PGPASSWORD": "{password}",
        **report_to(folder, waits=more.pop("waits", False)),
    }
    return {"secrets": [{"path": DATABASE, "variables": variables, **more}]}


def all_of(bench: SecretBench, *results: object) -> str:
    return "\n".join([*bench.lines, *map(str, results)])


async def test_fields_fill_a_token_variables_and_files_of_one_call_alone(
    vault: PlayedVault, tmp_path: Path
) -> None:
    secret = {
        "path": KV,
        "token": "{pin}",
        "variables": {"PGPASSWORD": "{password}", **report_to(tmp_path)},
        "files": {"login.json": '{"auth": {"password": "{password|json}", "port": {port}}}'},
        "login": "login.json",
    }
    async with secret_bench(
        settings_for(tmp_path, vault, {"secrets": [secret]}), tmp_path
    ) as bench:
        result = await bench.run()

    told = bench.told()
    assert result.ending is Ending.SUCCEEDED
    assert told["variables"]["PGPASSWORD"] == PASSWORD
    assert told["variables"]["BOX_TOKEN"] == PIN
    assert told["variables"]["BOX_LOGIN"] == "login.json"
    assert told["files"] == {
        "login.json": '{"auth": {"password": "pa\\"ss word+/=9", "port": 5432}}'
    }
    assert not Path(told["folder"]).exists()
    for value in (PASSWORD, PIN, "pa\\"):
        assert value not in all_of(bench, result)


async def test_credentials_are_minted_for_a_call_and_revoked_after_it(
    vault: PlayedVault, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, vault, reader(tmp_path, waits=True))
    async with secret_bench(settings, tmp_path) as bench:
        running = asyncio.create_task(bench.run())
        await until(lambda: len(bench.lines) > 0)
        (lease, minted), (row,) = *vault.leases.items(), bench.kept.rows
        meanwhile = (row.id == lease, row.connection, gone(row.holder), list(vault.revoked))
        (tmp_path / "go").touch()
        result = await running

        assert meanwhile == (True, "box", False, [])
        assert (vault.revoked, bench.kept.rows) == ([lease], [])

    variables = bench.told()["variables"]
    assert {name: variables[name] for name in ("PGUSER", "PGPASSWORD")} == {
        "PGUSER": minted.data["username"],
        "PGPASSWORD": minted.data["password"],
    }
    assert str(minted.data["password"]) not in all_of(bench, result)
    assert vault.asked.index(f"GET {DATABASE}") > vault.asked.index("POST auth/approle/login")


async def test_each_call_has_its_own_and_a_later_one_does_not_tell_the_earlier_ones(
    vault: PlayedVault, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, vault, reader(tmp_path), plain={"url": "http://p.example"})
    async with secret_bench(settings, tmp_path) as bench:
        passwords = []
        for _ in range(2):
            await bench.run()
            passwords.append(bench.told()["variables"]["PGPASSWORD"])
        async with bench.credentials.sources.given("plain", 1) as given:
            remembered = given.secrets

    assert len(set(passwords)) == 2
    assert set(passwords) <= set(remembered)


async def test_an_api_is_asked_with_a_minted_token(vault: PlayedVault, tmp_path: Path) -> None:
    seen: list[str] = []

    async def opened(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"].removeprefix("Bearer "))
        return web.json_response({"seen": request.headers["Authorization"]})

    app = web.Application()
    app.router.add_post("/open", opened)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    secret = {
        "path": "kubernetes/creds/deployer",
        "method": "write",
        "body": {"kubernetes_namespace": "shop"},
        "token": "{service_account_token}",
    }
    door = {"url": f"http://127.0.0.1:{runner.addresses[0][1]}", "secrets": [secret]}
    try:
        async with secret_bench(settings_for(tmp_path, vault, {}, door=door), tmp_path) as bench:
            result = await bench.run("door.open")
    finally:
        await runner.cleanup()

    assert result.ending is Ending.SUCCEEDED
    assert seen[0].startswith("ey.")
    assert seen[0] not in all_of(bench, result)
    assert len(vault.revoked) == 1


@pytest.mark.parametrize("status", [429, 473, 503, 500])
async def test_where_vault_is_away_a_call_is_refused_and_others_go_on(
    vault: PlayedVault, tmp_path: Path, status: int
) -> None:
    async with secret_bench(settings_for(tmp_path, vault, reader(tmp_path)), tmp_path) as bench:
        vault.answers = status

        result = await bench.run()
        other = await bench.run("plain.tell")

    assert (result.ending, result.refused) == (Ending.FAILED, True)
    assert "Vault" in result.message
    assert other.ending is Ending.SUCCEEDED
    assert not any(line.startswith("ready") for line in bench.lines)


async def test_what_vault_does_not_give_is_said_and_nothing_runs(
    vault: PlayedVault, tmp_path: Path
) -> None:
    vault.forbidden = {DATABASE}
    async with secret_bench(settings_for(tmp_path, vault, reader(tmp_path)), tmp_path) as bench:
        result = await bench.run()

    assert (result.ending, result.refused) == (Ending.FAILED, True)
    assert "permission denied" in result.message
    assert vault.count("POST auth/approle/login") == 1


async def test_a_template_with_a_field_that_is_not_there_gives_the_lease_back(
    vault: PlayedVault, tmp_path: Path
) -> None:
    connection = {"secrets": [{"path": DATABASE, "token": "{pasword}"}]}
    async with secret_bench(settings_for(tmp_path, vault, connection), tmp_path) as bench:
        result = await bench.run()

        assert result.refused
        assert result.message == f"The secret {DATABASE} has no pasword. Nothing was changed."
        assert (len(vault.revoked), vault.leases, bench.kept.rows) == (1, {}, [])


async def test_without_a_record_of_the_lease_nothing_runs_and_it_is_revoked(
    vault: PlayedVault, tmp_path: Path
) -> None:
    async with secret_bench(settings_for(tmp_path, vault, reader(tmp_path)), tmp_path) as bench:
        bench.kept.away = True

        result = await bench.run()

        assert result.refused
        assert (len(vault.revoked), vault.leases) == (1, {})


async def test_a_call_that_is_cancelled_gives_back_what_it_had(
    vault: PlayedVault, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, vault, reader(tmp_path, waits=True))
    async with secret_bench(settings, tmp_path) as bench:
        running = asyncio.create_task(bench.run())
        await until(lambda: len(bench.lines) > 0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        assert (len(vault.revoked), vault.leases, bench.kept.rows) == (1, {}, [])


async def test_a_token_that_vault_has_revoked_is_replaced_and_the_call_goes_on(
    vault: PlayedVault, tmp_path: Path
) -> None:
    async with secret_bench(settings_for(tmp_path, vault, reader(tmp_path)), tmp_path) as bench:
        await bench.run()
        vault.tokens.clear()

        result = await bench.run()

    assert result.ending is Ending.SUCCEEDED
    assert vault.count("POST auth/approle/login") == 2


async def test_a_lease_that_is_shorter_than_its_call_is_renewed_for_it(
    vault: PlayedVault, tmp_path: Path
) -> None:
    vault.lease_ttl = 2
    async with secret_bench(settings_for(tmp_path, vault, reader(tmp_path)), tmp_path) as bench:
        result = await bench.run()

    assert result.ending is Ending.SUCCEEDED
    assert vault.count("PUT sys/leases/renew") == 1


async def test_a_token_file_is_read_for_each_call(vault: PlayedVault, tmp_path: Path) -> None:
    file = tmp_path / "tokens" / "box"
    file.parent.mkdir()
    connection = {
        "token_file": str(file),
        "secrets": [{"path": KV, "variables": report_to(tmp_path)}],
    }
    async with secret_bench(settings_for(tmp_path, vault, connection), tmp_path) as bench:
        found = []
        for token in ("token-number-one", "token-number-two"):
            file.write_text(f"{token}\n")
            result = await bench.run()
            found.append(bench.told()["variables"]["BOX_TOKEN"])
            assert token not in all_of(bench, result)
        file.unlink()
        without = await bench.run()

    assert found == ["token-number-one", "token-number-two"]
    assert without.refused
    assert "box can't be read" in without.message


def left(connection: str, holder: str, until_seconds: float, lease: str) -> Minted:
    until_then = now() + timedelta(seconds=until_seconds)
    return Minted(
        giver=Giver.VAULT,
        id=lease,
        connection=connection,
        holder=holder,
        until=until_then,
        expires=until_then + timedelta(hours=1),
    )


async def test_what_dead_workers_left_is_revoked_and_what_is_used_is_not(
    vault: PlayedVault, tmp_path: Path, database: Database
) -> None:
    ours = Holder.ourselves()
    dead = str(Holder(ours.machine, 2**22 + 1, 5))
    elsewhere = str(Holder("another-machine", 1, 5))
    pool = await open_pool(database.app_dsn, size=2, statement_timeout=5, connect_timeout=5)
    records, other = PostgresMinted(pool, "default"), PostgresMinted(pool, "another")
    for one in (
        left("box", dead, 600, "database/creds/reader/dead"),
        left("box", elsewhere, -1, "database/creds/reader/over"),
        left("box", elsewhere, 600, "database/creds/reader/elsewhere"),
        left("box", str(ours), 600, "database/creds/reader/used"),
    ):
        await records.keep(one)
    await other.keep(left("box", dead, -1, "database/creds/reader/of-another-tenant"))

    async with secret_bench(settings_for(tmp_path, vault, reader(tmp_path)), tmp_path) as bench:
        assert bench.credentials.sweeper
        object.__setattr__(bench.credentials.sweeper, "records", records)
        vault.answers = 503
        in_vain = await bench.credentials.sweeper.sweep()
        vault.answers = 0
        swept = await bench.credentials.sweeper.sweep()

        assert (in_vain, swept) == (0, 2)
        assert sorted(vault.revoked) == ["database/creds/reader/dead", "database/creds/reader/over"]
        assert {one.id.rsplit("/")[-1] for one in await records.out()} == {"elsewhere", "used"}
        assert len(await other.out()) == 1
    await pool.close()


async def test_no_process_but_the_calls_own_has_its_secrets_in_its_environment(
    vault: PlayedVault, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, vault, reader(tmp_path, waits=True))
    async with secret_bench(settings, tmp_path) as bench:
        programs: list[int] = []
        bench.on_ready = programs.append
        running = asyncio.create_task(bench.run())
        await until(lambda: bool(programs))
        password = str(next(iter(vault.leases.values())).data["password"])
        ours = psutil.Process()
        having = [
            one.pid
            for one in (ours, *ours.children(recursive=True))
            if password in one.environ().values()
        ]
        (tmp_path / "go").touch()
        await running

    assert having == programs


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ({"secrets": [{"path": KV, "token": "{pin}"}]}, "set vault.url"),
        ({"tunnel": {"target": "ttcp_1234567890"}}, "set boundary.url"),
    ],
)
async def test_what_is_not_configured_is_said_at_the_start(
    tmp_path: Path, connection: dict[str, Any], said: str
) -> None:
    settings = settings_for(tmp_path, PlayedVault(), connection)

    with pytest.raises(ConfigurationError, match=said):
        async with secret_bench(settings, tmp_path):
            pass


async def test_readiness_tells_that_vault_is_away(vault: PlayedVault, tmp_path: Path) -> None:
    async with secret_bench(settings_for(tmp_path, vault, reader(tmp_path)), tmp_path) as bench:
        await bench.credentials.checks["vault"]()
        vault.answers = 503

        with pytest.raises(Unavailable, match="is sealed"):
            await bench.credentials.checks["vault"]()


async def test_nothing_is_sent_where_a_redirect_points(vault: PlayedVault) -> None:
    from engine.secrets.vault.api import VaultApi

    vault.answers = 307
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Unavailable, match="another node"):
            await VaultApi(session, vault.url).read("secret/data/x", "hvs.token")

    assert len(vault.asked) == 1
