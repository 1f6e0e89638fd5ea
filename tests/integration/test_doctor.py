"""`carapulse doctor` finds what is broken, names it, and says how to mend it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
import yaml

from bot.cli import doctor_slack
from bot.cli.doctor import show
from bot.cli.doctor_finding import Finding, Level, clock, ok, warn
from bot.cli.doctor_settings import listed
from bot.cli.doctor_visits import examine, visits
from bot.cli.records import environment
from bot.local import up
from bot.local.children import ChildEvent
from bot.local.stack import StackOptions
from engine.secrets.keys import make_keys
from engine.settings import Settings
from engine.variables import PREFIX
from tests.conftest import Database

ROOT = Path(__file__).parents[2]


def ignore(_event: ChildEvent) -> None:
    """Nothing is expected to die."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[up.Up]:
    """Everything that `carapulse up` starts, with the local Slack and the demo's shop."""
    options = up.UpOptions(tmp_path_factory.mktemp("up"), StackOptions(durable=False))
    async with up.open_up(options, on_event=ignore) as opened:
        yield opened


@pytest.fixture
def env(running: up.Up, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Its settings, and none of this machine's."""
    file = running.stack.folder.secrets / "environment"
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return environment(file.read_text())


@pytest.fixture
def broken(
    env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> "type[Broken]":
    """What doctor finds when some settings are others."""
    Broken.env, Broken.patch, Broken.folder = env, monkeypatch, tmp_path
    return Broken


class Broken:
    """Changes settings and asks."""

    env: Mapping[str, str]
    patch: pytest.MonkeyPatch
    folder: Path

    @classmethod
    async def by(cls, **changes: str) -> list[Finding]:
        for name, value in {**cls.env, **{PREFIX + k: v for k, v in changes.items()}}.items():
            cls.patch.setenv(name, value)
        return await examine(cls.folder)


def failures(findings: list[Finding]) -> dict[str, Finding]:
    return {one.area: one for one in findings if one.level is Level.FAIL}


async def test_all_is_well_with_what_up_started(broken: type[Broken]) -> None:
    findings = await broken.by()

    assert failures(findings) == {}
    well = {one.area for one in findings if one.level is Level.OK}
    assert well >= {"settings", "slack", "scopes", "socket mode", "schema", "rights", "temporal"}
    assert well >= {"policy", "keys", "directory", "identity", "tools", "git", "model"}
    assert [one.area for one in findings].count("clock") == 2


@pytest.mark.parametrize(
    ("setting", "value", "area", "said"),
    [
        ("SLACK__BOT_TOKEN", "xoxb-wrong", "slack", "refuses the bot token (invalid_auth)"),
        ("SLACK__APP_TOKEN", "xapp-wrong", "socket mode", "refuses the app token (invalid_auth)"),
        ("SLACK__BASE_URL", "http://127.0.0.1:9/api/", "slack", "does not answer"),
        ("POSTGRES__DSN", "postgresql://u:hunter2@127.0.0.1:9/x", "database", "not let us in"),
        ("TEMPORAL__ADDRESS", "127.0.0.1:9", "temporal", "127.0.0.1:9 does not answer"),
        ("TEMPORAL__NAMESPACE", "nowhere", "temporal", "has no namespace nowhere"),
        ("REDIS__URL", "redis://127.0.0.1:9", "redis", "does not answer"),
        ("HTTP__PORT", "many", "settings", "http.port"),
        ("OIDC__ISSUER", "http://127.0.0.1:9", "identity", "can't be used"),
        ("OIDC__AUDIENCE", "carapulse", "identity", "must differ"),
    ],
)
async def test_a_wrong_setting_is_one_failure_with_its_cure(
    broken: type[Broken], setting: str, value: str, area: str, said: str
) -> None:
    found = failures(await broken.by(**{setting: value}))

    assert said in found[area].found
    assert found[area].mend
    assert "hunter2" not in str(found)


async def test_without_temporal_it_is_told_whether_somebody_takes_what_is_due(
    broken: type[Broken],
) -> None:
    before = await broken.by(ENGINE="direct")
    owner = await asyncpg.connect(broken.env["CARAPULSE_POSTGRES__DSN"], timeout=10)
    try:
        await owner.execute(
            "INSERT INTO flows (tenant, kind, subject, due_at) "
            "VALUES ('default', 'draft', 'left', now() - interval '1 minute')"
        )
        after = await broken.by(ENGINE="direct")
        await owner.execute("DELETE FROM flows WHERE subject = 'left'")
    finally:
        await owner.close()

    assert [one.level for one in before if one.area == "engine"] == [Level.OK]
    [late] = [one for one in after if one.area == "engine"]
    assert late.level is Level.WARN
    assert "1 plans or requests wait" in late.found
    assert not {one.area for one in after} & {"temporal", "worker"}


async def test_a_queue_without_a_worker_is_a_warning(broken: type[Broken]) -> None:
    findings = await broken.by(TEMPORAL__QUEUE="deserted")

    [worker] = [one for one in findings if one.area == "worker"]
    assert worker.level is Level.WARN
    assert "deserted" in worker.found


async def test_a_database_without_the_schema_is_found(broken: type[Broken], running: up.Up) -> None:
    owner = await asyncpg.connect(running.stack.owner_dsn, timeout=10)
    await owner.execute("CREATE DATABASE bare")
    await owner.close()

    found = failures(await broken.by(POSTGRES__DSN=elsewhere(running.stack.app_dsn, "bare")))

    assert "0001_core" in found["schema"].found
    assert "carapulse migrate" in found["schema"].mend


def elsewhere(dsn: str, database: str) -> str:
    """The same server, another database."""
    head, _, tail = dsn.partition("?")
    return f"{head.rpartition('/')[0]}/{database}" + (f"?{tail}" if tail else "")


async def test_a_role_that_could_rewrite_decisions_is_found(
    broken: type[Broken], database: Database
) -> None:
    found = failures(await broken.by(POSTGRES__DSN=database.owner_dsn))

    assert "plan_versions, approvals, audit" in found["rights"].found
    assert failures(await broken.by(POSTGRES__DSN=database.app_dsn)) == {}


async def test_a_signing_key_that_nobody_trusts_is_found(
    broken: type[Broken], tmp_path: Path
) -> None:
    other = make_keys(tmp_path / "other")

    found = failures(await broken.by(KEYS__SIGNING_KEY_FILE=str(other.private)))

    assert "no public key" in found["keys"].found


async def test_a_team_of_one_is_found(broken: type[Broken], tmp_path: Path) -> None:
    one = {"id": "ann", "name": "Ann", "slack": ["slack:T0:U0"], "groups": ["sre"]}
    bystander = {"id": "cy", "name": "Cy", "slack": ["slack:T0:U1"], "groups": ["others"]}
    file = tmp_path / "directory.yaml"
    groups = [{"id": "sre"}, {"id": "others"}]
    file.write_text(yaml.safe_dump({"people": [one, bystander], "groups": groups}))

    found = failures(await broken.by(DIRECTORY__FILE=str(file)))

    assert found["directory"].found.startswith("1 of 2 people can approve")
    assert "a team needs two people" in found["directory"].found


@pytest.mark.parametrize(
    ("setting", "name", "content", "area"),
    [
        ("TOOLS__FOLDER", "bad.yaml", "tool: 7\n", "tools"),
        ("POLICY__FOLDER", "bad.rego", "package policy.x\nallow {", "policy"),
    ],
)
async def test_a_broken_file_is_named(
    broken: type[Broken], tmp_path: Path, setting: str, name: str, content: str, area: str
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_text(content)

    found = failures(await broken.by(**{setting: str(folder)}))

    assert name in found[area].found


def test_a_token_that_lacks_a_scope_is_found() -> None:
    has = doctor_slack.manifest_scopes() - {"files:write"}

    found = doctor_slack.scopes({"x-oauth-scopes": ", ".join(has)})

    assert found.level is Level.FAIL
    assert found.found == "the bot token lacks files:write"


@pytest.mark.parametrize(("ahead", "level"), [(1.0, "ok"), (-1.9, "ok"), (9.0, "fail")])
def test_clocks_may_differ_by_two_seconds(ahead: float, level: str) -> None:
    there = datetime.now(UTC) + timedelta(seconds=ahead)

    [of_slack] = doctor_slack.its_clock({"date": format_datetime(there, usegmt=True)})

    assert of_slack.level == clock("clock", "a", ahead).level == level


def test_the_command_finds_what_is_up_in_a_folder(running: up.Up) -> None:
    folder = str(running.stack.folder.path)
    command = [sys.executable, "-m", "bot.cli", "doctor", "--json", "--folder", folder]

    result = subprocess.run(
        command, cwd=ROOT, env={}, capture_output=True, text=True, timeout=60, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert {one["level"] for one in told} <= {"ok", "warn"}
    assert "schema" in {one["area"] for one in told}


async def test_what_the_environment_sets_over_the_settings_of_up_is_checked(
    running: up.Up, env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = running.stack.folder.path
    for name in env:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{PREFIX}DIRECTORY__FILE", str(tmp_path / "nobody.yaml"))

    findings = await examine(folder)

    [settings] = [one for one in findings if one.area == "settings"]
    assert f"`carapulse up` in {folder}, with {PREFIX}DIRECTORY__FILE of the" in settings.found
    assert list(failures(findings)) == ["directory"]
    assert "nobody.yaml" in failures(findings)["directory"].found


async def test_a_check_that_computes_never_keeps_one_that_waits_from_its_answer() -> None:
    happened: list[str] = []

    async def asks(_: Settings) -> list[Finding]:
        happened.append("asks")
        await asyncio.sleep(0)
        happened.append("is answered")
        return [ok("store", "answers")]

    async def computes(_: Settings) -> list[Finding]:
        happened.append("computes")
        return [ok("rules", "load")]

    found = await visits(Settings.load({}), [asks, computes], {computes})

    assert happened == ["computes", "asks", "is answered"]
    assert [one.area for one in found] == ["store", "rules"]


def test_the_command_fails_where_nothing_is_configured(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot.cli", "doctor", "--folder", str(tmp_path)]

    result = subprocess.run(
        command, cwd=ROOT, env={}, capture_output=True, text=True, timeout=60, check=False
    )

    assert result.returncode == 1
    assert "CARAPULSE_POSTGRES__DSN" in result.stdout
    assert "Traceback" not in result.stderr


def test_checks_and_warnings_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    show([ok("git", "is here")])
    show([ok("git", "is here"), warn("redis", "is none", "Start one.")])

    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "1 check, 0 failed, 0 warnings."
    assert lines[-1] == "2 checks, 0 failed, 1 warning."


def test_every_setting_is_listed_and_no_secret_is_shown() -> None:
    lines = listed(Settings.load({"SLACK_BOT_TOKEN": "xoxb-hunter2"}))

    assert any(line.split() == [f"{PREFIX}SLACK__BOT_TOKEN", "(set)"] for line in lines)
    assert any(line.startswith(f"{PREFIX}EXECUTION__CALL_LEASE") for line in lines)
    assert "hunter2" not in str(lines)
