"""The image's recipe: what comes in is pinned and checked, and what runs is nobody of power."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import orjson
import pytest

from engine.resources import shipped
from engine.sections import SandboxSettings

DEPLOY = Path(__file__).parents[2] / "deploy"
RECIPE = (DEPLOY / "sandbox.Dockerfile").read_text()
# What escapes are made of; each is also tried in test_sandbox_escapes.py where there is Docker.
NEVER = {
    *("ptrace", "process_vm_readv", "process_vm_writev", "keyctl", "add_key", "request_key"),
    *("mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "bpf", "perf_event_open"),
    *("init_module", "finit_module", "kexec_load", "open_by_handle_at", "userfaultfd", "mknod"),
    *("io_uring_setup", "io_uring_enter", "memfd_create", "reboot", "swapon", "setuid", "clone3"),
}


def test_every_program_comes_with_a_version_and_a_checksum() -> None:
    fetched = re.findall(r'fetch-program (\w+) "\$\{(\w+)_SHA256\}" \\\n\s+"(\S+)"', RECIPE)

    assert len(fetched) == RECIPE.count("RUN fetch-program")
    for _, name, url in fetched:
        assert f"ARG {name}_VERSION=" in RECIPE
        assert f"${{{name}_VERSION}}" in url
        assert url.startswith("https://")


def test_all_programs_that_the_settings_expect_come_in() -> None:
    fetched = set(re.findall(r"fetch-program (\w+)", RECIPE.partition("ARG TARGETARCH")[2]))
    installed = {"awscli": "aws", "postgresql-client": "psql", "git": "git", "python3": "python3"}
    words = set(RECIPE.split())

    assert set(SandboxSettings().programs) == fetched | {
        program for package, program in installed.items() if package in words
    }


def test_the_image_runs_as_nobody_of_power_and_nothing_is_unpinned() -> None:
    assert re.findall(r"^USER (\S+)", RECIPE, re.MULTILINE)[-1] == SandboxSettings().user
    assert "latest" not in RECIPE
    assert set(re.findall(r"^FROM (\S+)", RECIPE, re.MULTILINE)) == {"${BASE}"}
    assert "ADD " not in RECIPE


@pytest.mark.parametrize("right", [True, False])
def test_a_program_with_other_bytes_stays_out(tmp_path: Path, *, right: bool) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum here")
    curl = tmp_path / "bin" / "curl"  # gives the same bytes for every address
    curl.parent.mkdir()
    curl.write_text('#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done; printf bytes > "$2"\n')
    curl.chmod(0o755)
    said = hashlib.sha256(b"bytes" if right else b"other").hexdigest()

    ended = subprocess.run(
        [DEPLOY / "fetch-program", "tool", said, "https://maker.example/tool"],
        cwd=tmp_path,
        env={"PATH": f"{curl.parent}:/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )

    assert (ended.returncode == 0) is right
    assert (tmp_path / "tool").exists() is right


def test_the_profile_of_system_calls_is_a_list_of_what_may_be_called() -> None:
    profile = orjson.loads((shipped("deploy") / "seccomp.json").read_bytes())
    allowed = {
        name
        for rule in profile["syscalls"]
        if rule["action"] == "SCMP_ACT_ALLOW"
        for name in rule["names"]
    }

    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert not allowed & NEVER
    assert {"read", "execve", "openat", "futex", "connect"} <= allowed
