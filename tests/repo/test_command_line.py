"""`carapulse` starts quickly and answers mistakes in one line."""

import subprocess
import sys

from bot.cli.app import COMMANDS
from tests.repo.repository import ROOT

HEAVY = ("aiohttp", "asyncpg", "openai", "pydantic", "rich.live", "slack_bolt", "temporalio")


def carapulse(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_help_names_every_command() -> None:
    result = carapulse("--help", env={})

    assert result.returncode == 0
    assert [name for name, _, _ in COMMANDS if f" {name} " not in result.stdout] == []


def test_the_command_line_loads_nothing_heavy_by_itself() -> None:
    script = f"import sys, bot.cli.app as a; a.build(); print(*{{*{HEAVY}}} & {{*sys.modules}})"
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert result.stdout.split() == []


def test_an_expected_error_is_one_line() -> None:
    result = carapulse("migrate", env={"CARAPULSE_POSTGRESS__DSN": "hunter2"})

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("carapulse: CARAPULSE_POSTGRESS__DSN is no setting.")
    assert result.stderr.count("\n") == 1
    assert "hunter2" not in result.stderr
