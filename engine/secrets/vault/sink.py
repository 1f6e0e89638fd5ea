"""Writes the worker's own Vault token into a file, for programs beside it."""

import os
import tempfile
from pathlib import Path


def write_sink(file: Path, token: str) -> None:
    """Replace the file at once, readable by us alone. Raises `OSError`."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mode 600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(token)
            opened.flush()
            os.fsync(opened.fileno())
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
