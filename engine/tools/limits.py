"""Sets resource limits on itself and becomes the program: limits before its first instruction.

Run as a script, without anything of Carapulse: limits.py NAME=VALUE ... -- PROGRAM ARGUMENT ...
"""

import os
import resource
import sys


def main(arguments: list[str]) -> int:
    """Return only when the program could not be started."""
    middle = arguments.index("--")
    for setting in arguments[:middle]:
        name, value = setting.split("=")
        _limit(getattr(resource, f"RLIMIT_{name}", None), int(value))
    command = arguments[middle + 1 :]
    os.umask(0o077)
    try:
        os.execv(command[0], command)  # noqa: S606 (becomes the program; there is no shell)
    except OSError as error:
        os.write(2, f"{command[0]} can't be started: {error.strerror}\n".encode())
        return 127


def _limit(kind: int | None, value: int) -> None:
    """Lower a limit where the system has it; one that is lower already stays."""
    if kind is None:
        return
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError):
        pass  # macOS has the names of limits that it refuses to set


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
