"""Where things are and what they are called."""

import re
from collections import Counter
from pathlib import Path

from tests.repo.repository import PRODUCT, ROOT, python, texts, tracked

NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "managers"}
LONGEST_FILE = 400
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|proxy\.golang\.org|registry-1\.docker\.io"
    r"|--(extra-)?index-url|--find-links"
)
MACHINE_PATHS = re.compile(r"(?<![\w.~$}/-])/(work|farm|home/\w+|Users/\w+|root)/")
SECRETS = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|glpat-[\w-]{20}|xox[abps]-\d{10,}-[\w-]{10,}"
    r"|sk-[A-Za-z0-9]{32,}|-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]{32,}"
)
LATER = re.compile(
    r"#\s*(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError|^<{7} |^>{7} ", re.MULTILINE
)
RULES = {Path("tests/repo/test_layout.py")}
"""The files that must spell what they forbid."""


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}: {match.group()}"
        for path, text in texts()
        if path not in RULES
        for match in pattern.finditer(text)
    ]


def test_every_folder_with_more_than_two_modules_has_a_readme() -> None:
    sizes = Counter(path.parent for path, _ in python(*PRODUCT))
    bare = [f for f, n in sizes.items() if n > 2 and not (ROOT / f / "README.md").exists()]

    assert sorted(map(str, bare)) == []


def test_modules_are_named_after_what_they_hold() -> None:
    nameless = [path for path, _ in python(*PRODUCT) if {*path.with_suffix("").parts} & NAMELESS]

    assert nameless == []


def test_no_file_is_too_long_to_read() -> None:
    long = {str(path): text.count("\n") for path, text in python(*PRODUCT)}

    assert {path: lines for path, lines in long.items() if lines > LONGEST_FILE} == {}


def test_only_bot_and_engine_are_importable_beside_the_tests() -> None:
    tops = {path.parts[0] for path in tracked() if path.suffix == ".py" and len(path.parts) > 1}

    assert tops == {*PRODUCT, "tests"}


def test_no_registry_is_named() -> None:
    assert found(REGISTRIES) == []


def test_no_path_of_somebodys_machine_is_named() -> None:
    assert found(MACHINE_PATHS) == []


def test_nothing_looks_like_a_secret() -> None:
    assert found(SECRETS) == []


def test_nothing_is_left_to_do_later() -> None:
    assert found(LATER) == []
