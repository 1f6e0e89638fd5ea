"""The git repository `shop-config` of the demo: a believable history, and the commit that breaks.

Commits are written by `git fast-import`: one process, no work tree, no global configuration.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.local.demo.git import Git, GitFailed

BRANCH = "main"
SETTINGS_PATH = "checkout/settings.yaml"
POOL_SIZE = re.compile(r"^pool_size: (\d+)$", re.MULTILINE)
PEOPLE = {
    "dana": "Dana Reyes <dana@acme.example>",
    "ann": "Ann Okafor <ann@acme.example>",
    "bo": "Bo Lindqvist <bo@acme.example>",
}


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit to write; `files` are whole contents by path."""

    author: str
    message: str
    at: datetime
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class ShopConfig:
    """The bare repository on disk."""

    path: Path

    @property
    def url(self) -> str:
        """What `git clone` takes."""
        return self.path.resolve().as_uri()

    async def head(self) -> str:
        """The commit that `main` points to."""
        return (await self._git("rev-parse", f"refs/heads/{BRANCH}")).strip()

    async def settings(self) -> str:
        """The text of checkout's settings at the head."""
        return await self._git("show", f"refs/heads/{BRANCH}:{SETTINGS_PATH}")

    async def push_bad_commit(self) -> str:
        """Commit "raise pool size" as Dana, with the typo that sets it to 0; return the commit.

        Raises:
            GitFailed: the pool size is 0 already, or is not there to be changed.
        """
        text = await self.settings()
        changed = POOL_SIZE.sub("pool_size: 0", text)
        if changed == text:
            raise GitFailed(f"{SETTINGS_PATH} has no pool_size above 0 to break")
        bad = Commit("dana", "raise pool size", datetime.now(UTC), {SETTINGS_PATH: changed})
        await self._write([bad], parent=await self.head())
        return await self.head()

    async def _write(self, commits: list[Commit], parent: str | None) -> None:
        stream = "".join(
            _import_command(commit, parent if index == 0 else None)
            for index, commit in enumerate(commits)
        )
        await self._git("fast-import", "--quiet", "--done", stdin=(stream + "done\n").encode())

    async def _git(self, *arguments: str, stdin: bytes = b"") -> str:
        return await Git(self.path)(*arguments, stdin=stdin)


async def open_shop_config(folder: Path, now: datetime | None = None) -> ShopConfig:
    """Return `folder`/shop-config.git, made with its history when it is not there yet.

    Args:
        folder: where the repository lives; made when missing.
        now: the time that the history's dates count back from, to the second.
    """
    repository = ShopConfig(folder / "shop-config.git")
    repository.path.mkdir(parents=True, exist_ok=True)
    git = Git(repository.path)
    await git("init", "--quiet", "--bare", f"--initial-branch={BRANCH}")  # harmless on an old one
    if await git("for-each-ref", f"refs/heads/{BRANCH}"):
        return repository
    await git("config", "receive.denyNonFastForwards", "true")
    await git("config", "receive.denyDeletes", "true")
    await git("config", "gc.auto", "0")
    await repository._write(_history(now or datetime.now(UTC)), parent=None)
    return repository


def _import_command(commit: Commit, parent: str | None) -> str:
    who = f"{PEOPLE[commit.author]} {int(commit.at.timestamp())} +0000"
    lines = [f"commit refs/heads/{BRANCH}", f"author {who}", f"committer {who}"]
    lines.append(_data(commit.message + "\n"))
    if parent:
        lines.append(f"from {parent}")
    for path, text in sorted(commit.files.items()):
        lines += [f"M 100644 inline {path}", _data(text)]
    return "\n".join(lines) + "\n"


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"


def _checkout(pool_size: int, timeout_ms: int, currency: str = "EUR") -> str:
    return (
        "# Read by every checkout instance; a change on main rolls out by itself.\n"
        "# connections to the order database, for each instance\n"
        f"pool_size: {pool_size}\n"
        "# how long a request waits for a connection\n"
        f"timeout_ms: {timeout_ms}\n"
        f"currency: {currency}\n"
    )


def _payments(timeout_ms: int) -> str:
    return f"provider: acme-pay\ntimeout_ms: {timeout_ms}\ncapture: on_shipping\n"


README = """# Checkout settings

Instances follow `main` of this repository and take a change one after the other.

| setting | meaning |
|---|---|
| `pool_size` | connections to the order database for each instance |
| `timeout_ms` | how long a request waits for one of them |
| `currency` | the currency of a basket without one |

To undo a change, revert its commit on `main`.
"""


def _history(now: datetime) -> list[Commit]:
    """Seven commits over six weeks; the last one is two days old."""
    settings, payments = SETTINGS_PATH, "payments/settings.yaml"
    intro = README.split("To undo", 1)[0]
    rows: list[tuple[float, str, str, dict[str, str]]] = [
        (41.2, "bo", "settings of checkout", {settings: _checkout(5, 400, "USD")}),
        (41.1, "bo", "settings of payments", {payments: _payments(1500)}),
        (33.3, "ann", "say what the settings mean", {"checkout/README.md": intro}),
        (26.0, "dana", "checkout bills in euro", {settings: _checkout(5, 400)}),
        (19.4, "ann", "payments: wait a little longer", {payments: _payments(2000)}),
        (
            12.2,
            "bo",
            "pool size 10, we ran dry at the rehearsal",
            {settings: _checkout(10, 400), "checkout/README.md": README},
        ),
        (2.1, "dana", "fail sooner: wait 250 ms for a connection", {settings: _checkout(10, 250)}),
    ]
    return [
        Commit(author, message, now - timedelta(days=age), files)
        for age, author, message, files in rows
    ]
