"""What `carapulse up` prints when everything runs."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.cli.up import show


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
