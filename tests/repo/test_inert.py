"""Importing a module opens nothing, reads no settings and starts nothing."""

import subprocess
import sys

from tests.repo.repository import ROOT, modules

IMPORT_ALL = """
import importlib, sys, threading

def watch(event, arguments):
    if event in FORBIDDEN:
        raise RuntimeError(f"{event} {arguments}")

FORBIDDEN = {"socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen",
             "os.system", "os.fork", "os.mkdir", "os.remove", "os.rename"}
import asyncio, platform, socket, uuid
platform.processor()  # asks the machine once, for whoever imports it
sys.addaudithook(watch)
sys.dont_write_bytecode = True
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except RuntimeError as error:
        print(name, "at import:", error)
left = [thread.name for thread in threading.enumerate() if thread.name != "MainThread"]
if left:
    print("threads started:", left)
"""


def test_imports_are_inert() -> None:
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *modules()],
        cwd=ROOT,
        env={"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert result.stdout == ""
    assert result.returncode == 0, result.stderr
