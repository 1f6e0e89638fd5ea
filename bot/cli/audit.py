"""`carapulse audit`: what happened, whether the record of it is whole, and a copy of it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cyclopts import App

from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from engine.domain.audit import AuditQuery, Verification
    from engine.services.audit import Audits

audit = App(name="audit", help="Show, verify and export the audit.")
DAMAGED = 1


@audit.command(name="list")
async def listed(
    *,
    actor: str = "",
    action: str = "",
    subject: str = "",
    decision: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
    json: bool = False,
    folder: Path = DEFAULT_FOLDER,
) -> None:
    """Show the newest events.

    Args:
        actor: id of who did it.
        action: such as plan.approve; `plan.*` means all of that kind.
        subject: id of what it was done to.
        decision: allow, deny, ...
        since: not before this time (UTC where it names no zone).
        until: before this time.
        limit: how many.
        json: one JSON object per line.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    import json as encoding

    from engine.domain.audit import told

    query = asked(actor, action, subject, decision, since, until)
    async with opened(folder) as audits:
        rows = await audits.page(query, limit)
    for row in rows:
        if json:
            print(encoding.dumps(told(row), ensure_ascii=False))  # noqa: T201
            continue
        reason = row.event.reason
        said = f"{row.at:%Y-%m-%d %H:%M:%S}  {row.id:>8}  {row.actor}  {row.action}  {row.subject}"
        print("  ".join(part for part in (said, row.decision, reason) if part))  # noqa: T201


@audit.command
async def verify(*, json: bool = False, folder: Path = DEFAULT_FOLDER) -> None:
    """Follow the chain from its first entry; exit code 1 when anything is wrong with it.

    Args:
        json: the whole report, for scripts.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    async with opened(folder) as audits:
        found = await audits.verify()
    print(found.model_dump_json(indent=2) if json else "\n".join(said(found)))  # noqa: T201
    if not found.sound:
        sys.exit(DAMAGED)


@audit.command
async def export(
    *,
    format: Literal["csv", "json", "jsonl"] = "jsonl",  # noqa: A002 (the name of the option)
    actor: str = "",
    action: str = "",
    subject: str = "",
    decision: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    folder: Path = DEFAULT_FOLDER,
) -> None:
    """Print every event that is asked for, oldest first.

    Args:
        format: csv, json or jsonl.
        actor: id of who did it.
        action: such as plan.approve; `plan.*` means all of that kind.
        subject: id of what it was done to.
        decision: allow, deny, ...
        since: not before this time (UTC where it names no zone).
        until: before this time.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    from engine.services.audit_export import exported

    query = asked(actor, action, subject, decision, since, until)
    async with opened(folder) as audits:
        async for piece in exported(audits.rows(query), format):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@audit.command
async def purge(*, folder: Path = DEFAULT_FOLDER) -> None:
    """Remove rows older than CARAPULSE_AUDIT__KEEP_DAYS, as the bot signed that it may be done.

    Needs CARAPULSE_POSTGRES__PURGE_DSN: the role carapulse_purge, which can do nothing else.

    Args:
        folder: of the `carapulse up` that runs, when nothing is configured.
    """
    async with opened(folder, purging=True) as audits:
        gone = await audits.purge()
    print(f"{plural(gone, 'row', 'rows')} purged.")  # noqa: T201


def asked(
    actor: str,
    action: str,
    subject: str,
    decision: str,
    since: datetime | None,
    until: datetime | None,
) -> "AuditQuery":
    """The query; a time without a zone is UTC."""
    from datetime import UTC

    from engine.domain.audit import AuditQuery

    zoned = [at.replace(tzinfo=UTC) if at and at.tzinfo is None else at for at in (since, until)]
    return AuditQuery(
        actor=actor,
        action=action,
        subject=subject,
        decision=decision,
        since=zoned[0],
        until=zoned[1],
    )


def said(found: "Verification") -> list[str]:
    """The report as lines."""
    entries = plural(found.rows, "entry", "entries")
    signed = plural(found.checkpoints, "checkpoint", "checkpoints")
    lines = [f"{entries} and {signed} checked; end {found.end}"]
    if found.begins > 1:
        lines.append(f"begins at entry {found.begins}, as was signed: what was before is purged")
    tail = found.tail
    if tail.count == 1:
        lines.append(f"1 entry is not sealed yet: {tail.first}")
    if tail.count > 1:
        lines.append(f"{tail.count} entries are not sealed yet: {tail.first} to {tail.last}")
    lines += [f"{one.damage.value.upper()}: {one.text}" for one in found.findings]
    if found.more_findings:
        lines.append(f"and {found.more_findings} more")
    return [*lines, "The audit is whole." if found.sound else "The audit was tampered with."]


def plural(count: int, one: str, many: str) -> str:
    """`1 entry`, `2 entries`."""
    return f"{count} {one if count == 1 else many}"


@asynccontextmanager
async def opened(folder: Path, *, purging: bool = False) -> AsyncIterator["Audits"]:
    """The configured database; without one, that of the `carapulse up` that runs in `folder`."""
    from datetime import UTC, datetime

    from bot.cli.records import configured
    from engine.errors import ConfigurationError
    from engine.secrets.published import FileVerifier
    from engine.services.audit import Audits
    from engine.store.chain import PostgresChain
    from engine.store.connection import open_pool

    settings = configured(folder)
    keys = settings.keys.public_keys_folder
    dsn = settings.postgres.purge_dsn if purging else settings.postgres.dsn
    if not dsn.get_secret_value():
        raise ConfigurationError("Purging needs CARAPULSE_POSTGRES__PURGE_DSN.")
    pool = await open_pool(
        dsn.get_secret_value(),
        size=2,
        statement_timeout=settings.postgres.statement_timeout_seconds,
        connect_timeout=settings.postgres.connect_timeout_seconds,
    )
    try:
        yield Audits(
            PostgresChain(pool, settings.tenant),
            lambda: datetime.now(UTC),
            checker=FileVerifier(keys) if keys else None,
        )
    finally:
        await pool.close()
