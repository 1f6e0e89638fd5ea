"""The repository's own files, as its rules see them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("bot", "engine")


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that git tracks or would, relative to the top."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607 - git is where the PATH says
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=30,
    )
    names = [Path(name) for name in listed.stdout.decode().split("\0") if name]
    return tuple(name for name in names if (ROOT / name).is_file())


def texts() -> Iterator[tuple[Path, str]]:
    """Every tracked file that is text, with its content."""
    for path in tracked():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content:
            yield path, content.decode(errors="replace")


def python(*folders: str) -> Iterator[tuple[Path, str]]:
    """Tracked Python files below the folders, with their content."""
    for path in tracked():
        if path.suffix == ".py" and path.parts[0] in folders:
            yield path, (ROOT / path).read_text()


def modules() -> list[str]:
    """Every module of the product by its dotted name."""
    paths = (path.with_suffix("") for path, _ in python(*PRODUCT))
    names = {".".join(path.parts).removesuffix(".__init__") for path in paths}
    return sorted(name for name in names if not name.endswith(".__main__"))


def nodes(text: str) -> Iterator[ast.AST]:
    """Every node of a Python file."""
    yield from ast.walk(ast.parse(text))
