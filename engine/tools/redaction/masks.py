"""What stands in place of a secret, and how it gets there."""

from collections.abc import Iterable

MASK = "[redacted]"
MASKED = MASK.encode()
Span = tuple[int, int]


def masked(data: bytes, spans: Iterable[Span]) -> bytes:
    """The text with a mask in place of each span; those that overlap become one."""
    pieces: list[bytes] = []
    last = 0
    for start, end in _joined(spans):
        pieces += (data[last:start], MASKED)
        last = end
    return b"".join(pieces) + data[last:] if pieces else data


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        elif start < end:
            joined.append((start, end))
    return joined
