"""A complete output as a file for a thread: as it is, packed, or where it can be had."""

import asyncio
import zlib
from collections.abc import AsyncIterator

from engine.domain.artifact import Artifact, said_size

PACKED_FROM = 4 << 20
LARGEST = 24 << 20
GZIP = 16 + zlib.MAX_WBITS


async def attached(
    artifact: Artifact, pieces: AsyncIterator[bytes], reference: str
) -> tuple[str, bytes]:
    """Its name and content. What is in memory stays below `LARGEST`, whatever its size is."""
    if artifact.size <= PACKED_FROM:
        return artifact.name, b"".join([piece async for piece in pieces])
    packer, packed = zlib.compressobj(6, wbits=GZIP), bytearray()
    async for piece in pieces:
        packed += await asyncio.to_thread(packer.compress, piece)
        if len(packed) > LARGEST:
            return f"{artifact.name}.txt", instead(artifact, reference).encode()
    packed += packer.flush()
    return f"{artifact.name}.gz", bytes(packed)


def instead(artifact: Artifact, reference: str) -> str:
    """Where the output can be had that is too large for a thread."""
    return (
        f"This output is {said_size(artifact.size)}, which is too much for a file here.\n"
        f"`carapulse execution download {reference}` saves it, and so does\n"
        f"GET /v1/artifacts/{artifact.id}\n"
    )
