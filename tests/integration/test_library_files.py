"""Runbooks out of files: a folder, a git remote, and the command line over all of it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.local.demo.git import Git
from engine.context.runbooks import parse_runbook, read_folder
from engine.domain.ids import Tenant
from engine.domain.knowledge import DocumentKind, command_lines
from engine.errors import ConfigurationError, Invalid, Unavailable
from engine.library import mirroring
from engine.sections import ContextSettings, KnowledgeSettings
from engine.services.mirror import Mirror
from engine.settings import Settings
from engine.store.connection import Pool, open_pool
from engine.store.unit import PostgresStore
from tests.conftest import Database

TENANT = Tenant("default")
RUNBOOK = DocumentKind.RUNBOOK
DNS = """---
title: DNS failover
tags: [dns, network]
services: [checkout]
---
# Ignored

```console
$ kubectl rollout restart deploy/checkout \\
    -n shop
# a comment
```
"""


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    opened = await open_pool(database.app_dsn, size=3, statement_timeout=5, connect_timeout=5)
    yield opened
    await opened.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "runbooks"
    (folder / "network").mkdir(parents=True)
    (folder / "network" / "dns.md").write_text(DNS)
    (folder / "kafka-lag.md").write_text("Move partitions.")
    return folder


def mirror(pool: Pool, playbooks: Path | None = None, **knowledge: object) -> Mirror:
    settings = Settings(
        knowledge=KnowledgeSettings.model_validate(knowledge),
        context=ContextSettings(playbooks_folder=playbooks),
    )
    store = PostgresStore(pool, TENANT)
    return mirroring(settings, store, lambda: datetime.now(UTC), TENANT)


async def kept(pool: Pool) -> dict[str, tuple[str, int]]:
    async with PostgresStore(pool, TENANT).begin() as unit:
        found = await unit.documents.listed(RUNBOOK)
    return {one.document.reference: (one.document.name, one.document.revision) for one in found}


def test_a_head_says_what_a_runbook_is_for() -> None:
    words = parse_runbook(DNS, "dns.md")

    assert (words.title, words.tags, words.services) == (
        "DNS failover",
        ("dns", "network"),
        ("checkout",),
    )
    (command,) = command_lines(words.body)
    assert command.text == "kubectl rollout restart deploy/checkout -n shop"


@pytest.mark.parametrize(
    ("text", "title"),
    [("# Slow pool #\nx", "Slow pool"), ("no heading", "kafka lag"), ("---\nx", "kafka lag")],
)
def test_without_a_head_the_heading_or_the_file_names_it(text: str, title: str) -> None:
    assert parse_runbook(text, "sub/kafka-lag.md").title == title


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: [\n---\nx",
        "---\n- a\n---\nx",
        "---\nowner: me\n---\nx",
        "---\ntags: {a: b}\n---\nx",
        "---\nlanguage: klingon\n---\nx",
        "",
        "---\na: &a [*a]\n---\nx",
    ],
)
def test_a_file_that_is_wrong_says_where(text: str) -> None:
    with pytest.raises(Invalid, match=r"x\.md"):
        parse_runbook(text, "x.md")


def test_links_hidden_and_large_files_are_left_out(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("secret")
    (shelf / "link.md").symlink_to(tmp_path / "secret.md")
    (shelf / ".git").mkdir()
    (shelf / ".git" / "hidden.md").write_text("hidden")
    (shelf / "large.md").write_text("x" * 80_000)
    (shelf / "binary.md").write_bytes(b"\xff\xfe\x00")

    found = read_folder(shelf)

    assert [name for name, _ in found.runbooks] == ["kafka-lag.md", "network/dns.md"]
    assert len(found.left_out) == 2
    with pytest.raises(ConfigurationError):
        read_folder(shelf / "gone")


async def test_a_folder_is_followed_in_every_change(pool: Pool, shelf: Path) -> None:
    follow = mirror(pool, runbooks_folder=shelf)
    (source,) = follow.sources

    first = await follow.refresh(source)
    again = await follow.refresh(source)
    (shelf / "kafka-lag.md").write_text("Move them twice.")
    (shelf / "network" / "dns.md").unlink()
    (shelf / "dns.md").write_text(DNS)
    later = await follow.refresh(source)

    assert [(one.added, one.changed, one.removed) for one in (first, again, later)] == [
        (2, 0, 0),
        (0, 0, 0),
        (1, 1, 1),
    ]
    assert await kept(pool) == {"kafka-lag.md": ("kafka-lag", 2), "dns.md": ("dns-failover", 1)}


async def test_a_folder_that_is_gone_takes_nothing_away(pool: Pool, shelf: Path) -> None:
    follow = mirror(pool, runbooks_folder=shelf)
    (source,) = follow.sources
    await follow.refresh(source)
    shelf.rename(shelf.with_name("elsewhere"))

    with pytest.raises(ConfigurationError):
        await follow.refresh(source)

    assert len(await kept(pool)) == 2


async def test_playbooks_of_a_folder_are_listed_and_quoted_but_changed_there(
    pool: Pool, tmp_path: Path
) -> None:
    (tmp_path / "drain.yaml").write_text(
        "title: drain a node\nplan_title: Drain\nsteps: [{tool: a, action: b, title: c}]"
    )
    (tmp_path / "wrong.yaml").write_text("title: x")
    follow = mirror(pool, playbooks=tmp_path)

    refreshed = await follow.refresh(follow.sources[0])

    assert (refreshed.added, len(refreshed.left_out)) == (1, 1)
    async with PostgresStore(pool, TENANT).begin() as unit:
        (found,) = await unit.documents.listed(DocumentKind.PLAYBOOK)
        quoted = await unit.documents.relevant(
            "drain it", named="drain", service=None, environment=None, limit=3
        )
    assert (found.document.title, found.document.ours) == ("drain a node", False)
    assert [(one.kind, one.fits) for one in quoted] == [("playbook", True)]


async def test_a_git_remote_is_read_and_its_links_lead_nowhere(
    pool: Pool, shelf: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.md").write_text("secret")
    (shelf / "link.md").symlink_to(tmp_path / "secret.md")
    git = Git(shelf)
    await git("init", "--quiet", "--initial-branch=main")
    await git("add", ".")
    await git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "one")
    follow = mirror(pool, runbooks_remote=f"file://{shelf}", runbooks_path="network")
    whole = mirror(pool, runbooks_remote=f"file://{shelf}")
    away = mirror(pool, runbooks_remote=f"file://{shelf}", runbooks_branch="none")

    part = await follow.refresh(follow.sources[0])
    await whole.refresh(whole.sources[0])

    assert (follow.sources[0].name, part.added) == ("git runbooks", 1)
    async with PostgresStore(pool, TENANT).begin() as unit:
        bodies = [one.document.body for one in await unit.documents.listed(RUNBOOK)]
    assert not any(body == "secret" for body in bodies)
    with pytest.raises(Unavailable, match="git clone ended with 128"):
        await away.refresh(away.sources[0])


async def test_the_command_line_does_what_the_api_does(
    database: Database, shelf: Path, tmp_path: Path
) -> None:
    async def carapulse(*arguments: str, code: int = 0) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot.cli", *arguments),
            env={
                "CARAPULSE_POSTGRES__DSN": database.app_dsn,
                "CARAPULSE_KNOWLEDGE__RUNBOOKS_FOLDER": str(shelf),
                "USER": "ann",
                "LOGNAME": "ann",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == code, said.decode()
        return said.decode()

    written = tmp_path / "restart.md"
    written.write_text("# Restart\n```sh\nkubectl get pods | sh\n```")

    assert "2 added" in await carapulse("runbook", "sync")
    assert "Kept as restart." in await carapulse("runbook", "add", str(written), "--tag", "pods")
    listed = await carapulse("runbook", "list", "restart", "--json")
    assert json.loads(listed.splitlines()[0])["author"] == "cli:ann"
    assert "-> kubectl.rollout_restart" in await carapulse("runbook", "steps", "dns-failover")
    assert "Change it there" in await carapulse("runbook", "remove", "dns-failover", code=1)
    assert "Opened night" in await carapulse("session", "open", "night", "--member", "bo")
    told = ("memory", "add", "no deploys", "--session", "night", "--until", "2099-01-01", "--json")
    fact = json.loads(await carapulse(*told))
    assert "Forgot: no deploys" in await carapulse("memory", "forget", fact["id"])
