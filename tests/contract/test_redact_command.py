"""`carapulse redact` passes on what it may, as it comes."""

import asyncio
import sys

MASK = b"[redacted]"


async def redacted(given: bytes, *arguments: str) -> tuple[int, bytes]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", "redact", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={},
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(given), 30)
    return process.returncode or 0, out


async def test_it_needs_no_settings_and_keeps_every_other_byte() -> None:
    given = b"pods are fine\npassword: correct-horse-9\n\xff\xfe\r\nno line end"

    code, out = await redacted(given)

    assert code == 0
    assert out == given.replace(b"correct-horse-9", MASK)


async def test_a_line_is_passed_on_before_the_next_one_comes() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", "redact",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"token: zx81Kp20QwLm93Vb\nhalf of ")
    first = await asyncio.wait_for(process.stdout.readline(), 20)
    process.stdin.write(b"a line zx81Kp20QwLm93Vb")
    process.stdin.close()
    rest = await asyncio.wait_for(process.stdout.read(), 20)
    await process.wait()

    assert first == b"token: " + MASK + b"\n"
    assert rest == b"half of a line " + MASK


async def test_the_command_says_what_is_all_secret() -> None:
    _, values = await redacted(b"owner   dana\n", "--tool", "vault", "--action", "kv_get")
    _, bare = await redacted(b"abc\n", "--tool", "aws", "--action", "ecr-get-login-password")

    assert values == b"owner   " + MASK + b"\n"
    assert bare == MASK + b"\n"


async def test_a_line_without_an_end_is_still_bounded() -> None:
    code, out = await redacted(b"a b " * 700_000)

    assert (code, len(out)) == (0, 2_800_000)
