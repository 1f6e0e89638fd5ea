"""`carapulse redact`: standard input without its secrets, line by line, as it comes."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from engine.tools.redaction import Shape

CHUNK = 256 * 1024
LONGEST = 1024 * 1024


async def redact(*, tool: str = "", action: str = "") -> None:
    """Print what comes in without its secrets. No settings are needed.

    Args:
        tool: that printed it: kubectl, vault, ...
        action: of the tool: kv_get, get, ...
    """
    from engine.tools.redaction import Redactor
    from engine.tools.redaction.commands import shape_of, strictest

    shape = strictest(shape_of(tool, action, {}), _defined(tool, action))
    lines = Redactor().stream(shape).lines
    out = sys.stdout.buffer
    for text, end in _parts(sys.stdin.buffer):
        out.write(lines(text).encode("utf-8", "surrogateescape") + end)
        out.flush()


def _defined(tool: str, action: str) -> "Shape":
    """What the shipped definition says; an action that nobody knows is text."""
    from engine.tools.loading import CATALOG, load_tools

    if not tool or not (CATALOG / f"{tool}.yaml").is_file():
        return "text"
    found = next(one for one in load_tools(CATALOG) if one.tool == tool).actions.get(action)
    return found.redaction if found else "text"


def _parts(stream: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Whole lines as soon as they are there, and what stands behind the last of them."""
    rest = b""
    while data := _some(stream):
        rest += data
        cut = rest.rfind(b"\n")
        if cut >= 0:
            yield _text(rest[:cut]), b"\n"
            rest = rest[cut + 1 :]
        if len(rest) > LONGEST:
            cut = max(rest.rfind(mark, 0, LONGEST) for mark in (b" ", b",", b"\t")) + 1
            yield _text(rest[: cut or LONGEST]), b""
            rest = rest[cut or LONGEST :]
    if rest:
        yield _text(rest), b""


def _some(stream: BinaryIO) -> bytes:
    """What is there, without waiting for a full block."""
    read1 = getattr(stream, "read1", stream.read)
    data: bytes = read1(CHUNK)
    return data


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
