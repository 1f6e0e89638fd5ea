"""The audit as a whole: sealed as it grows, verified, and read out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from engine.domain.audit import (
    START,
    Anchor,
    AuditQuery,
    AuditRow,
    Checkpoint,
    Damage,
    Finding,
    Link,
    Tail,
    Verification,
    linked,
)
from engine.errors import ConfigurationError, Tampered, Unavailable
from engine.ports import Clock
from engine.ports.audit import AuditChain, AuditReading, SealChecker, Sealer

AT_ONCE = 2000
PAUSE = 1.0
ROUNDS_PER_LOOK_BEHIND = 3600
LATE = timedelta(minutes=10)
FINDINGS_AT_MOST = 100
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Audits:
    """Only the gate has a `sealer`; whoever verifies needs the public keys."""

    chain: AuditChain
    clock: Clock
    sealer: Sealer | None = None
    checker: SealChecker | None = None
    keep_days: int | None = None

    async def run(self) -> None:
        """Seal what became visible, for ever. A database that is away is waited for."""
        rounds = 0
        while True:
            try:
                await self.seal(behind=rounds % ROUNDS_PER_LOOK_BEHIND == 0)
                if rounds % ROUNDS_PER_LOOK_BEHIND == 0:
                    await self.anchor()
                rounds += 1
            except Unavailable as error:
                log.warning("audit waits", action="audit.waits", component=error.component)
            await asyncio.sleep(PAUSE)

    async def seal(self, *, behind: bool = False) -> int:
        """Seal all that can be sealed now; how many rows that were."""
        if self.sealer is None:
            raise ConfigurationError("Sealing the audit needs keys.signing_key_file.")
        total = 0
        while True:
            done = await self.chain.seal(self.sealer, limit=AT_ONCE, behind=behind)
            total += done
            if done < AT_ONCE:
                return total

    async def anchor(self) -> int | None:
        """Sign that rows older than `keep_days` may go; the entry up to which, if there is one."""
        if self.sealer is None or self.keep_days is None:
            return None
        before = self.clock() - timedelta(days=self.keep_days)
        return await self.chain.anchor(self.sealer, before=before)

    async def purge(self) -> int:
        """Remove what the gate signed may go; how many rows. Raises `Tampered`."""
        if self.checker is None:
            raise ConfigurationError("Purging the audit needs keys.public_keys_folder.")
        async with self.chain.reading() as reading:
            anchor = await reading.anchor()
        if anchor is None:
            return 0
        if not self.checker.anchored(anchor.key_id, anchor.message, anchor.signature):
            raise Tampered(
                f"The anchor of the audit at {anchor.seq} is not ours; nothing is purged."
            )
        total = 0
        while gone := await self.chain.purge(anchor.seq, AT_ONCE):
            total += gone
        return total

    async def page(self, query: AuditQuery, limit: int) -> list[AuditRow]:
        """The newest rows first."""
        return await self.chain.page(query, limit)

    async def rows(self, query: AuditQuery) -> AsyncIterator[AuditRow]:
        """Every row that is asked for, oldest first, in constant memory."""
        async with self.chain.reading() as reading:
            async for row in reading.rows(query):
                yield row

    async def verify(self) -> Verification:
        """Follow the whole chain and say everything that is wrong with it."""
        if self.checker is None:
            raise ConfigurationError("Verifying the audit needs keys.public_keys_folder.")
        async with self.chain.reading() as reading:
            look = Look(self.checker, {one.seq: one for one in await reading.checkpoints()})
            look.begin(await reading.anchor())
            await look.follow(reading)
            tail = await reading.tail()
        self._late(look, tail)
        return Verification(
            rows=look.seq - look.begins + 1,
            begins=look.begins,
            checkpoints=look.signed,
            end=f"{look.seq}:{(look.link or START).hex()}",
            tail=tail,
            findings=tuple(look.findings),
            more_findings=look.more,
        )

    def _late(self, look: "Look", tail: Tail) -> None:
        if tail.oldest and self.clock() - tail.oldest > LATE:
            look.add(
                Damage.LATE,
                f"Row {tail.first} is not sealed since {tail.oldest.isoformat(timespec='seconds')}"
                ": the sealing does not run, or the row was taken out of the chain.",
            )


@dataclass(slots=True)
class Look:
    """One walk along the chain."""

    checker: SealChecker
    checkpoints: dict[int, Checkpoint]
    anchor: Anchor | None = None
    begins: int = 1
    seq: int = 0
    link: bytes | None = START
    signed: int = 0
    signed_to: int = 0
    findings: list[Finding] = field(default_factory=list)
    more: int = 0

    def add(self, damage: Damage, text: str) -> None:
        """Note it; after the first hundred they are only counted."""
        if len(self.findings) < FINDINGS_AT_MOST:
            self.findings.append(Finding(damage=damage, text=text))
        else:
            self.more += 1

    def begin(self, anchor: Anchor | None) -> None:
        """Believe where it begins when that is signed by us."""
        if anchor is None:
            return
        if self.checker.anchored(anchor.key_id, anchor.message, anchor.signature):
            self.anchor = anchor
        else:
            self.add(Damage.FORGED, f"The anchor at entry {anchor.seq} is not ours.")

    async def follow(self, reading: AuditReading) -> None:
        """From the first entry to the last."""
        async for entry in reading.links():
            self._entry(entry)
        for seq in sorted(seq for seq in self.checkpoints if seq > self.seq):
            self.add(Damage.CUT, f"Entry {seq} was signed, and the chain ends at {self.seq}.")
        if self.seq > self.signed_to:
            self.add(
                Damage.UNSIGNED, f"Entries {self.signed_to + 1} to {self.seq} have no signature."
            )

    def _entry(self, entry: Link) -> None:
        if self.seq == 0 and self.anchor and 1 < entry.seq <= self.anchor.seq + 1:
            self.begins, self.seq, self.signed_to = entry.seq, entry.seq - 1, entry.seq - 1
            self.link = self.anchor.link if self.anchor.seq == self.seq else None
        if entry.seq != self.seq + 1:
            self.add(
                Damage.CUT, f"Entries {self.seq + 1} to {entry.seq - 1} are gone from the chain."
            )
        self._row(entry)
        if not self._follows(entry):
            self.add(Damage.RELINKED, f"Entry {entry.seq} does not follow from the one before it.")
        self.seq, self.link = entry.seq, entry.link
        if checkpoint := self.checkpoints.get(entry.seq):
            self._checkpoint(checkpoint, entry)

    def _follows(self, entry: Link) -> bool:
        """By its link; the first of a purge that is under way is only known by the anchor."""
        if self.anchor and entry.seq == self.anchor.seq and entry.link != self.anchor.link:
            return False
        if entry.seq != self.seq + 1 or self.link is None:
            return True
        return entry.link == linked(self.link, entry.seq, entry.row_hash)

    def _row(self, entry: Link) -> None:
        if entry.row is None:
            self.add(Damage.MISSING, f"Row {entry.audit_id} (entry {entry.seq}) was deleted.")
        elif entry.row.hash != entry.row_hash:
            self.add(Damage.EDITED, f"Row {entry.audit_id} (entry {entry.seq}) was changed.")

    def _checkpoint(self, checkpoint: Checkpoint, entry: Link) -> None:
        good = checkpoint.link == entry.link and self.checker.sealed(
            checkpoint.key_id, checkpoint.message, checkpoint.signature
        )
        if good:
            self.signed, self.signed_to = self.signed + 1, checkpoint.seq
        else:
            self.add(
                Damage.FORGED,
                f"The signature at entry {checkpoint.seq} (key {checkpoint.key_id}) is not ours.",
            )
