"""HTTP load from a process of its own: connections that post as fast as they are answered."""

import asyncio
import itertools
import re
import time
from collections.abc import Iterator

import uvloop

from tests.benchmarks.figures import percentile
from tests.benchmarks.payloads import STAMP, alerts
from tests.benchmarks.spoken import Json, converse

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


async def lane(question: Json, numbers: Iterator[int], until: float, times: list[float]) -> int:
    """One connection; how many of its requests were refused."""
    port = int(question["port"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body, refused = alerts(), 0
    head = (
        f"POST {question['path']} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {question['token']}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    while (sent := time.perf_counter()) < until:
        writer.write(head + body.replace(STAMP.encode(), b"%06d" % next(numbers)))
        answer = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(answer)
        assert length
        await reader.readexactly(int(length[1]))
        times.append((time.perf_counter() - sent) * 1000)
        refused += not answer.startswith(b"HTTP/1.1 200")
    writer.close()
    return refused


async def serve() -> None:
    """Answer each question with the rate and the tail of its seconds."""
    numbers = itertools.count(1)

    async def measure(question: Json) -> Json:
        times: list[float] = []
        began = time.perf_counter()
        until = began + float(question["seconds"])
        lanes = (lane(question, numbers, until, times) for _ in range(int(question["lanes"])))
        refused = sum(await asyncio.gather(*lanes))
        took = time.perf_counter() - began
        return {
            "rate": (len(times) - refused) / took,
            "p99": percentile(times, 0.99),
            "requests": len(times),
            "refused": refused,
        }

    await converse(measure, {"ready": True})


if __name__ == "__main__":
    uvloop.run(serve())
