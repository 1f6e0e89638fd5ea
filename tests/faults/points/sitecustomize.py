"""Ends a process of the tests with SIGKILL at a named place, when that place is armed.

Python imports this at its start where PYTHONPATH names this folder. CARAPULSE_TEST_FAULT is another
folder, in which a file named after the place arms it; its text is how often to pass first. The
variable is taken away here: Carapulse refuses to start with a variable that it does not know.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any


def listen(folder: Path) -> None:
    """Hear of every crossing from here on."""

    def crossed(event: str, args: tuple[Any, ...]) -> None:
        if event == "carapulse.crossing" and args[0]:
            reached(folder / str(args[0]))

    sys.addaudithook(crossed)


def reached(armed: Path) -> None:
    """Count down, and die at zero; of several processes the one that takes the file away."""
    try:
        left = int(armed.read_text() or "0")
        if left > 0:
            armed.write_text(str(left - 1))
            return
        armed.unlink()
    except (FileNotFoundError, ValueError):
        return
    os.kill(os.getpid(), signal.SIGKILL)


if given := os.environ.pop("CARAPULSE_TEST_FAULT", ""):
    listen(Path(given))
