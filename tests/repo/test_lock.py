"""What is installed is exactly what was looked at."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from tests.repo.repository import PRODUCT, ROOT, nodes, python

REQUIREMENT = re.compile(r"^([a-z0-9-]+)==[\w.]+( ; .+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def locked() -> dict[str, int]:
    """Return the number of hashes of each locked distribution; anything else in the file fails."""
    hashes: dict[str, int] = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if match := REQUIREMENT.match(line):
            name = match.group(1)
            hashes[name] = 0
        else:
            assert HASH.match(line), line
            hashes[name] += 1
    return hashes


def declared(group: str | None = None) -> set[str]:
    """Return the names in pyproject.toml, of the runtime or of an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["optional-dependencies"][group] if group else project["dependencies"]
    return {normal(re.split(r"[\[;<>=! ]", entry)[0]) for entry in wanted}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_locked_distribution_has_hashes() -> None:
    assert {name for name, hashes in locked().items() if hashes == 0} == set()


def test_everything_declared_is_locked() -> None:
    build = {"hatchling"}

    assert declared() | declared("dev") | build <= set(locked())


def test_everything_imported_is_declared() -> None:
    owners = packages_distributions()
    undeclared = {
        f"{path} imports {name}"
        for path, text in python(*PRODUCT)
        for name in outside(text)
        if name in owners and not {normal(owner) for owner in owners[name]} & declared()
    }

    assert undeclared == set()


def outside(text: str) -> set[str]:
    """Return the top-level names that a file imports from outside the product and Python."""
    names = set()
    for node in nodes(text):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names - {*PRODUCT} - sys.stdlib_module_names
