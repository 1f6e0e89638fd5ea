"""The first process of a container: its files, its ways out, and its end.

It runs inside the image, with the standard library alone: its source is handed to `python3 -c`.
One JSON line on stdin says what to prepare; "ready" answers it. When stdin ends, because the
worker closed it or died, this ends, and with the first process everything in the container.
"""

import json
import os
import signal
import socket
import sys
import threading

PIECE = 65536
LARGEST_HEAD = 4096


def main() -> None:
    """Prepare, then wait for the end of stdin."""
    hide()
    signal.signal(signal.SIGCHLD, reap)
    signal.signal(signal.SIGTERM, ask_all_to_end)
    wanted = json.loads(sys.stdin.buffer.readline() or b"null")
    if wanted is None:
        return
    os.umask(0o077)
    for folder, _ in wanted["folders"]:
        os.mkdir(folder)
    for path, text, mode in wanted["files"]:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
    for folder, mode in wanted["folders"]:
        os.chmod(folder, mode)
    for address, port, target in wanted["ways"]:
        listen(wanted["gate"], address, port, target)
    os.write(1, b"ready\n")
    while os.read(0, PIECE):
        pass


def hide() -> None:
    """Programs of the same user may not read or change this process."""
    try:
        import ctypes  # noqa: PLC0415 (a small Python has none)
    except ImportError:
        return
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE


def reap(number: int, frame: object) -> None:
    """Bury what was orphaned."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def ask_all_to_end(number: int, frame: object) -> None:
    """Hand the wish on to every process in here."""
    try:
        os.kill(-1, signal.SIGTERM)
    except ProcessLookupError:
        return


def listen(gate: str, address: str, port: int, target: str) -> None:
    """Lead connections to this address through the gate, to the target."""
    listener = socket.create_server((address, port), backlog=16)
    threading.Thread(target=accept, args=(listener, gate, target), daemon=True).start()


def accept(listener: socket.socket, gate: str, target: str) -> None:
    """One thread for each connection; how many there may be the gate decides."""
    while True:
        near, _ = listener.accept()
        threading.Thread(target=lead, args=(near, gate, target), daemon=True).start()


def lead(near: socket.socket, gate: str, target: str) -> None:
    """Ask the gate for the target, then copy both ways; without one the program asks itself."""
    with near, socket.socket(socket.AF_UNIX) as far:
        try:
            far.connect(gate)
            if target and not let_through(far, target):
                return
            back = threading.Thread(target=copy, args=(far, near), daemon=True)
            back.start()
            copy(near, far)
            back.join()
        except OSError:
            return


def let_through(far: socket.socket, target: str) -> bool:
    """Ask, and read the answer byte by byte: what follows it belongs to the target."""
    far.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < LARGEST_HEAD:
        piece = far.recv(1)
        if not piece:
            return False
        head += piece
    return head.split(b" ")[1:2] == [b"200"]


def copy(source: socket.socket, sink: socket.socket) -> None:
    """Hand on until the source ends, then tell the sink so."""
    try:
        while True:
            data = source.recv(PIECE)
            if not data:
                break
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


if __name__ == "__main__":
    main()
