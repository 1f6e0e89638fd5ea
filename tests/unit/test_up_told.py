"""What `carapulse up` prints when everything runs."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.cli.up import chosen, show
from engine.settings import Settings


def test_addresses_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    folder = SimpleNamespace(logs=Path("here/[logs]"))
    running: Any = SimpleNamespace(
        slack_url="http://127.0.0.1:8090",
        http_url="http://127.0.0.1:8080",
        stack=SimpleNamespace(folder=folder),
        service_token=Path("here/token"),
        notes=(),
    )

    show(running)

    lines = capsys.readouterr().out.splitlines()
    assert lines[1:4] == [
        "Slack http://127.0.0.1:8090",
        "HTTP  http://127.0.0.1:8080",
        "Logs  here/[logs]",
    ]
    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize(
    ("set_to", "asked", "engine"),
    [
        ("temporal", None, "temporal"),
        ("direct", None, "direct"),
        ("temporal", "direct", "direct"),
        ("direct", "temporal", "temporal"),
    ],
)
def test_the_engine_is_what_the_command_asks_for_or_else_the_setting(
    tmp_path: Path, set_to: Any, asked: Any, engine: str
) -> None:
    settings = Settings.load().model_copy(update={"engine": set_to})

    assert chosen(settings, tmp_path, 0, reset=False, engine=asked).stack.engine == engine
