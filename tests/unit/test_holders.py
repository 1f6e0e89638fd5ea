"""What a killed worker leaves is told from what a living one holds."""

import os
import socket
from pathlib import Path

import pytest

from engine.tools.holders import MARK, Holder, sweep_folders

OURS = Holder.ourselves()
GONE = Holder(OURS.machine, OURS.pid, OURS.started - 1)


def test_a_holder_is_read_as_it_was_written() -> None:
    assert Holder.read(str(OURS)) == OURS
    assert OURS.machine == socket.gethostname()
    assert OURS.pid == os.getpid()


@pytest.mark.parametrize("text", ["", "nobody", "a/b@c", "machine/1", "/1@2"])
def test_what_names_no_holder_is_nobodys(text: str) -> None:
    assert Holder.read(text) is None


@pytest.mark.parametrize(
    ("holder", "stays"),
    [
        pytest.param(str(OURS), True, id="ours"),
        pytest.param(str(GONE), False, id="of a process that has ended"),
        pytest.param(str(Holder("elsewhere", 1, 1)), True, id="of another machine"),
        pytest.param("nobody", True, id="of nobody that we know"),
    ],
)
def test_folders_of_ended_processes_alone_are_removed(
    tmp_path: Path, holder: str, *, stays: bool
) -> None:
    call = tmp_path / "call-x"
    (call / "work").mkdir(parents=True)
    (call / MARK).write_text(holder)

    sweep_folders(tmp_path)

    assert call.exists() is stays
