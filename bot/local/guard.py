"""Runs one command and takes it, with all it started, down when the parent goes away.

Started as `python -I -S guard.py [--user UID:GID] [--signal NAME] [--grace SECONDS] [--lock FILE]
-- command...`, it holds the read end of a pipe from its parent as standard input. When the pipe
ends, because the parent wants it or because the parent was killed, the command gets the signal,
then time, and then everything left of it is killed. Only the standard library is imported, so it
starts in a few milliseconds.
"""

import ctypes
import fcntl
import os
import select
import signal
import sys
import time
from contextlib import suppress

ON_LINUX = sys.platform.startswith("linux")
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_SET_CHILD_SUBREAPER, PR_CAP_AMBIENT = 1, 8, 36, 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
NOT_STARTED = 127


def prctl(option: int, *values: int) -> None:
    """Call Linux's prctl; a kernel that refuses leaves us with the portable behaviour."""
    if ON_LINUX:
        padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
        ctypes.CDLL(None).prctl(option, *padded)


def keep_reading_rights() -> None:
    """Let a process that gave up root still reach folders below root's own home.

    Postgres refuses to run as root, while the folder and the programs may be where only root can
    go. The one capability kept does not make the process root in Postgres' eyes.
    """
    if not ON_LINUX:
        return
    mask = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    ctypes.CDLL(None).capset(header, sets)
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE)


def become(user: str) -> None:
    """Give up root for `UID:GID`."""
    uid, gid = (int(part) for part in user.split(":"))
    prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    keep_reading_rights()


def start(command: list[str], user: str | None) -> int:
    """Start the command in a session of its own and return its pid."""
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    try:
        if user:
            become(user)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # after the change of user, which clears it
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)  # noqa: S606 - arguments come from our own code
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(NOT_STARTED)


def reap(main: int, until: float) -> int | None:
    """Collect what has ended; the main process's wait status if it is among them, else None."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid == main:
            return status
        if pid == 0:
            left = until - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(0.01, left))


def orphans() -> list[int]:
    """Return what the command started and left behind; Linux hands such processes to us."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as children:
            return [int(pid) for pid in children.read().split()]
    except OSError:
        return []


def kill_rest(main: int) -> None:
    """Kill the command's whole group and whatever moved out of it."""
    for _ in range(50):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(main, signal.SIGKILL)
        left = orphans()
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        reap(main, time.monotonic() + 0.01)
        if not left:
            return


def stop(main: int, number: int, grace: float) -> int:
    """Ask the command to end, wait for at most `grace` seconds, kill it; return its status."""
    with suppress(ProcessLookupError):
        os.kill(main, number)
    status = reap(main, time.monotonic() + grace)
    if status is None:
        with suppress(ProcessLookupError):
            os.kill(main, signal.SIGKILL)
        status = reap(main, time.monotonic() + 5)
    return signal.SIGKILL if status is None else status


def watch(main: int, woken: int, number: int, grace: float) -> int:
    """Wait for the command's end or the parent's; return the command's wait status."""
    while True:
        readable, _, _ = select.select([0, woken], [], [])
        if woken in readable:
            asked = set(os.read(woken, 512)) & {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
            if asked:
                return stop(main, number, grace)
            status = reap(main, 0)
            if status is not None:
                return status
        if 0 in readable and not os.read(0, 512):
            return stop(main, number, grace)


def options(argv: list[str]) -> tuple[dict[str, str], list[str]]:
    """Split the guard's own options from the command."""
    cut = argv.index("--")
    own = argv[:cut]
    return dict(zip(own[::2], own[1::2], strict=True)), argv[cut + 1 :]


def hold(path: str | None) -> int | None:
    """Share the lock that tells the next start that something of ours still lives."""
    if path is None:
        return None
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def main(argv: list[str]) -> int:
    """Run the command; its exit code, or 128 and the number of the signal that ended it."""
    own, command = options(argv)
    hold(own.get("--lock"))
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    pid = start(command, own.get("--user"))
    number = signal.Signals[own.get("--signal", "SIGTERM")]
    status = watch(pid, woken, number, float(own.get("--grace", "10")))
    kill_rest(pid)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
