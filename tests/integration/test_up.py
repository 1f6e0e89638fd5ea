"""`up` puts the parts together so that nobody is told more than they need."""

import json
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.cli.audit import purge
from bot.local import up
from bot.local.children import Child, ChildEvent
from bot.local.ports import answers_http
from bot.local.stack import Stack, StackOptions
from engine.secrets.keys import Keys
from engine.settings import Settings

LEAN = StackOptions(temporal=False, redis=False, durable=False)


class Started:
    """Takes the place of worker and bot, and remembers what they would have been told."""

    def __init__(self) -> None:
        self.children: dict[str, Mapping[str, str]] = {}

    async def start(self, child: Child) -> None:
        self.children[child.name] = child.env


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    recorder = Started()
    real = up.start_carapulse

    async def record(stack: Stack, env: Mapping[str, str], keys: Keys, port: int) -> None:
        class Recording:
            children = recorder

        await real(Recording(), env, keys, port)  # type: ignore[arg-type]

    monkeypatch.setattr(up, "start_carapulse", record)
    return recorder


def ignore(_event: ChildEvent) -> None:
    """Nothing is expected to die."""


async def test_everything_is_up_and_its_addresses_are_settings_that_load(
    tmp_path: Path, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with up.open_up(up.UpOptions(tmp_path, LEAN), on_event=ignore) as running:
        assert running.slack_url
        assert running.world
        assert await answers_http(int(running.slack_url.rpartition(":")[2]), "/")
        for env in started.children.values():
            for name, value in env.items():
                monkeypatch.setenv(name, value)
            settings = Settings.load()
            assert settings.postgres.dsn.get_secret_value() == running.stack.app_dsn
            assert settings.slack.base_url == f"{running.slack_url}/api/"
            assert json.loads(env["CARAPULSE_TOOLS__GIT_REMOTES"]) == list(
                settings.tools.git_remotes
            )


async def test_only_the_gate_is_told_where_the_signing_key_is(
    tmp_path: Path, started: Started
) -> None:
    async with up.open_up(up.UpOptions(tmp_path, LEAN, world=False), on_event=ignore) as running:
        owner = running.stack.owner_dsn

    worker, bot = started.children["worker"], started.children["bot"]
    key = Path(bot["CARAPULSE_KEYS__SIGNING_KEY_FILE"])
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert str(key) not in worker.values()
    assert owner not in {*worker.values(), *bot.values()}


async def test_keys_and_tokens_stay_the_same_at_the_next_start(
    tmp_path: Path, started: Started
) -> None:
    kept = []
    for _ in range(2):
        options = up.UpOptions(tmp_path, LEAN, world=False, real_slack=True)
        async with up.open_up(options, on_event=ignore) as running:
            assert running.slack_url is None
            token = started.children["bot"]["CARAPULSE_HOOKS__ALERTMANAGER_TOKEN"]
            key = Path(started.children["bot"]["CARAPULSE_KEYS__SIGNING_KEY_FILE"]).read_text()
            kept.append((token, key))

    assert kept[0] == kept[1]
    assert len(kept[0][0]) >= 32


async def test_a_taken_port_is_replaced_and_told(unused_tcp_port: int) -> None:
    options = up.UpOptions(Path(), page_port=unused_tcp_port, http_port=8080)

    assert await up.usable(unused_tcp_port) == unused_tcp_port
    assert up.moved(options, 8080, unused_tcp_port) == ()
    [note] = up.moved(options, 4242, unused_tcp_port)
    assert note == "Port 8080 is in use by something else; 4242 is used instead."


async def test_the_purge_has_a_login_that_no_process_is_told_of(
    tmp_path: Path, started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    options = up.UpOptions(tmp_path, LEAN, world=False, env={"CARAPULSE_AUDIT__KEEP_DAYS": "30"})
    async with up.open_up(options, on_event=ignore) as running:
        await purge(folder=tmp_path)

        told = (tmp_path / "secrets" / "environment").read_text()
        given = [value for env in started.children.values() for value in env.values()]
        assert running.stack.purge_dsn in told
        assert running.stack.purge_dsn not in given
    assert "0 rows purged" in capsys.readouterr().out
