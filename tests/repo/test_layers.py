"""The import rules hold, and each of them would notice a violation."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.repo.repository import PRODUCT, ROOT, python

VIOLATIONS = {
    "layers": ("engine/store/violation.py", "import engine.services"),
    "engine-knows-no-slack": ("engine/services/violation.py", "import slack_sdk"),
    "local-is-for-development": ("bot/slack/violation.py", "import bot.local.ports"),
    "workflows-decide-only": ("engine/workflows/flows.py", "import asyncpg"),
    "settings-are-handed-down": ("engine/llm/violation.py", "import engine.settings"),
}


def lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run lint-imports on the checkout in `folder`."""
    script = "from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-c", script, "--no-cache", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product's Python files."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in PRODUCT:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_contracts_are_kept() -> None:
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout


def test_every_contract_has_a_violation_to_be_seen_by() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    ids = {line.split('"')[1] for line in lines if line.startswith("id = ")}

    assert ids == set(VIOLATIONS)


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_violation_is_seen(copy: Path, contract: str) -> None:
    name, statement = VIOLATIONS[contract]
    file = copy / name
    kept = file.read_text() if file.exists() else '"""A new file."""\n'
    file.write_text(f"{kept}\n{statement}\n")

    try:
        result = lint(copy, "--contract", contract)
    finally:
        file.write_text(kept)

    assert result.returncode == 1, result.stderr
    assert f"{name.removesuffix('.py').replace('/', '.')} -> " in result.stdout


def test_every_workflow_file_is_under_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [sources] = [
        contract["source_modules"]
        for contract in contracts["contracts"]
        if contract["id"] == "workflows-decide-only"
    ]
    workflows = {
        ".".join(path.with_suffix("").parts)
        for path, text in python(*PRODUCT)
        if "@workflow.defn" in text
    }

    assert workflows
    assert workflows <= set(sources)
