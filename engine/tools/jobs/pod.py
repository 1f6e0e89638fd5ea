"""What runs in a Job's pod: the call's programs, in order, with all that they print in frames.

It runs inside the image, with the standard library alone. What to do is a file, and what becomes
of it a JSON line each: nobody but the log is asked, and nobody can reach in.
"""

import base64
import json
import os
import selectors
import signal
import subprocess  # noqa: TID251 (this runs in the pod, not in the worker)
import sys

PIECE = 8192
CAPTURED = 1 << 20
NOT_FOUND = 127


def main() -> None:
    """Prepare, run what is ordered until something ends otherwise than it should."""
    file, root = sys.argv[1:3]
    hide()
    with open(file, encoding="utf-8") as opened:
        call = json.load(opened)
    os.umask(0o077)
    for name in ("call", "home", "login"):
        os.mkdir(f"{root}/{name}")
    for name, text in call["files"].items():
        with open(f"{root}/{name}", "w", encoding="utf-8") as made:
            made.write(text)
    signal.signal(signal.SIGTERM, ask_all_to_end)
    say({"began": True})
    for number, order in enumerate(call["orders"]):
        code, printed = run(number, order["argv"], call["variables"], root)
        say({"order": number, "exit": code})
        if code not in order["succeeds"]:
            return
        if order["prints"] is not None and last_line(printed) != order["prints"]:
            return


def hide() -> None:
    """Programs of the same user may not print frames of their own through this process."""
    import ctypes  # noqa: PLC0415 (only this needs it)

    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE


def ask_all_to_end(number: int, frame: object) -> None:
    """Hand the wish on to every process in here."""
    try:
        os.kill(-1, signal.SIGTERM)
    except ProcessLookupError:
        return


def run(number: int, argv: list[str], variables: dict[str, str], root: str) -> tuple[int, bytes]:
    """One program; its exit code and the start of what it printed."""
    try:
        program = subprocess.Popen(
            argv,
            cwd=f"{root}/call",
            env={**variables, "HOME": f"{root}/home"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError:
        say({"order": number, "absent": argv[0]})
        return NOT_FOUND, b""
    assert program.stdout
    assert program.stderr
    printed = b""
    with selectors.DefaultSelector() as both:
        both.register(program.stdout, selectors.EVENT_READ, "out")
        both.register(program.stderr, selectors.EVENT_READ, "err")
        while both.get_map():
            for key, _ in both.select(0.2):
                data = os.read(key.fd, PIECE)
                if not data:
                    both.unregister(key.fileobj)
                    continue
                if key.data == "out" and len(printed) < CAPTURED:
                    printed += data[: CAPTURED - len(printed)]
                text = base64.b64encode(data).decode()
                say({"order": number, "stream": key.data, "data": text})
            if program.poll() is not None and not both.select(0):
                break  # what it left running holds its output open
    return program.wait(), printed


def last_line(printed: bytes) -> str:
    """What a program told, where it tells one thing."""
    return printed.decode(errors="replace").strip().rsplit("\n", 1)[-1]


def say(frame: dict[str, object]) -> None:
    """One line to the log."""
    data = json.dumps(frame).encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    main()
