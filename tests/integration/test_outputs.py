"""Complete outputs: written while a tool runs, delivered to a store, cut with a mark where told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from engine.artifacts.files import StoredFiles
from engine.artifacts.objects import Objects, in_folder
from engine.artifacts.spool import Spool
from engine.domain.actor import Actor
from engine.domain.artifact import Artifact, ArtifactState, Source
from engine.domain.call import Call, CallResult
from engine.domain.execution import ExecutionState
from engine.domain.ids import ArtifactId, Tenant, new_id
from engine.domain.plan import VersionRef
from engine.errors import ConfigurationError, Invalid, NotAllowed, NotFound, Unavailable
from engine.ports import OnLine
from engine.secrets.links import LinkKeys, new_key, rotate_file, rotated
from engine.services.delivery import Delivery
from engine.services.downloads import Downloads
from engine.services.loglines import GOES_ON
from tests.conftest import Database
from tests.integration.room import STAGING, Room, note, open_room
from tests.integration.script import TENANT, Script, good
from tests.unit.governing import ANN

LINE = "x" * 999


class Chatty(Script):
    """Prints thousands of lines."""

    lines = 3000

    async def run(self, call: Call, outputs: dict[str, str], on_line: OnLine) -> CallResult:
        for number in range(self.lines):
            await on_line(f"{number:06} {LINE}")
        return good()


class Bench:
    """A room whose outputs go somewhere."""

    def __init__(self, room: Room, folder: Path, keys: Path) -> None:
        self.room = room
        self.files = StoredFiles(Spool(folder / "spool"), in_folder(folder / "store", 5))
        self.keys = keys
        self.downloads = Downloads(
            room.store, lambda: room.now, TENANT, self.files, LinkKeys(keys), 300
        )

    def delivery(self, *, keep_days: int | None = None) -> Delivery:
        return Delivery(self.room.store, self.files, lambda: self.room.now, keep_days)

    async def ran(self, lines: int = 3000) -> VersionRef:
        """An execution of one step that printed so much."""
        chatty = Chatty()
        chatty.lines = lines
        self.room.steps = replace(self.room.steps, runner=chatty)
        ref = await self.room.approved(note(), context=STAGING)
        await self.room.work(ref)
        return ref

    async def only(self, ref: VersionRef) -> Artifact:
        execution = await self.room.execution(ref)
        (found,) = await self.downloads.of_execution(execution.id)
        return found

    async def content(self, artifact: Artifact) -> bytes:
        _, pieces = await self.downloads.content(artifact.id)
        return b"".join([piece async for piece in pieces])

    async def texts(self, ref: VersionRef) -> list[str]:
        execution = await self.room.execution(ref)
        return [one.text for one in (await self.room.views.full_log(execution.id)).lines]


@pytest.fixture
async def bench(database: Database, tmp_path: Path) -> AsyncIterator[Bench]:
    keys = tmp_path / "link-keys"
    keys.touch(mode=0o600)
    keys.write_text(new_key())
    spool, store = tmp_path / "spool", tmp_path / "store"
    files = StoredFiles(Spool(spool), in_folder(store, 5))
    async with open_room(database, tmp_path, files=files) as room:
        yield Bench(room, tmp_path, keys)


async def test_all_of_a_long_output_is_stored_and_the_log_says_what_it_leaves_out(
    bench: Bench,
) -> None:
    ref = await bench.ran()
    await bench.delivery().sweep()

    artifact, texts = await bench.only(ref), await bench.texts(ref)

    wanted = "".join(f"{number:06} {LINE}\n" for number in range(3000)).encode()
    assert await bench.content(artifact) == wanted
    assert (artifact.size, artifact.sha256) == (len(wanted), sha256(wanted).hexdigest())
    assert artifact.state is ArtifactState.STORED
    assert texts[0].startswith("000000")
    assert GOES_ON in texts
    mark = next(text for text in texts if "more in the file" in text)
    assert mark == "… 2 MB more in the file"
    assert texts[texts.index(mark) + 20].startswith("002999")
    assert await bench.files.waiting() == []


async def test_the_file_comes_into_the_thread_at_the_end_also_when_it_was_stored_late(
    bench: Bench,
) -> None:
    ref = await bench.ran()
    execution = await bench.room.execution(ref)
    assert execution.state is ExecutionState.SUCCEEDED
    before = await bench.room.posts("file")

    await bench.delivery().sweep()

    assert await bench.room.posts("file") == before + 1


async def test_a_short_output_is_stored_and_is_no_file_in_the_thread(bench: Bench) -> None:
    ref = await bench.ran(lines=3)
    before = await bench.room.posts("file")

    await bench.delivery().sweep()

    assert (await bench.only(ref)).size == 3 * 1007
    assert not [text for text in await bench.texts(ref) if "more" in text]
    assert await bench.room.posts("file") == before


class Away(Objects):
    """A store that does not answer."""

    async def put(self, key: str, path: Path, size: int) -> None:
        raise Unavailable("artifacts", "The artifact store does not answer.")


async def test_while_the_store_is_away_outputs_wait_and_the_log_says_so(bench: Bench) -> None:
    ref = await bench.ran()
    away = replace(bench.files, objects=Away(bench.files.objects.store))
    delivery = replace(bench.delivery(), files=away)

    with pytest.raises(Unavailable):
        await delivery.sweep()

    execution = await bench.room.execution(ref)
    artifact = await bench.only(ref)
    assert (await bench.room.views.log(execution.id)).waiting == 1
    assert artifact.state is ArtifactState.KEPT
    with pytest.raises(Unavailable, match="still on its worker"):
        await bench.content(artifact)

    await bench.delivery().sweep()

    assert (await bench.room.views.log(execution.id)).waiting == 0
    assert len(await bench.content(artifact)) == artifact.size


async def test_what_a_killed_worker_had_written_is_delivered_as_a_part(bench: Bench) -> None:
    ref = await bench.ran(lines=1)
    await bench.delivery().sweep()
    execution = await bench.room.execution(ref)
    source = Source(execution_id=execution.id, step=1, phase="act", attempt=2)
    left = Artifact.new(ArtifactId(new_id()), TENANT, source, "gone", bench.room.now)
    async with bench.room.store.begin() as unit:
        await unit.artifacts.put(left)
    writing = await bench.files.open(left.id)
    await writing.write(b"half a li")
    await writing.written()

    await bench.delivery().sweep()
    held_by_its_writer = (await bench.downloads.get(left.id)).state
    writing.release()  # as the kernel does when a process dies
    await bench.delivery().sweep()

    found = await bench.downloads.get(left.id)
    assert held_by_its_writer is ArtifactState.OPEN
    assert found.state is ArtifactState.STORED
    assert found.partial
    assert await bench.content(found) == b"half a li"


async def test_a_file_of_a_row_that_is_not_there_is_removed(bench: Bench) -> None:
    orphan = ArtifactId(new_id())
    writing = await bench.files.open(orphan)
    await writing.write(b"of another database")
    await writing.written()
    writing.release()

    await bench.delivery().sweep()

    assert await bench.files.waiting() == []


async def test_beyond_the_limit_nothing_is_kept_and_the_mark_says_so(bench: Bench) -> None:
    outputs = replace(bench.room.steps.loglines.outputs, limit=2_000_000)
    loglines = replace(bench.room.steps.loglines, outputs=outputs)
    bench.room.steps = replace(bench.room.steps, loglines=loglines)

    ref = await bench.ran()
    await bench.delivery().sweep()

    artifact = await bench.only(ref)
    assert artifact.partial
    assert artifact.size < 2_001_000
    assert (await bench.content(artifact)).endswith(b"2 MB; the rest is not kept)\n")
    assert [one for one in await bench.texts(ref) if one.endswith("in the file, which was cut")]


async def test_without_a_store_the_log_says_that_the_rest_is_not_kept(
    database: Database, tmp_path: Path
) -> None:
    async with open_room(database, tmp_path) as room:
        room.steps = replace(room.steps, runner=Chatty())
        ref = await room.approved(note(), context=STAGING)
        await room.work(ref)
        execution = await room.execution(ref)
        lines = (await room.views.full_log(execution.id)).lines

        assert [one for one in lines if one.text.endswith("more that is not kept")]


async def test_a_link_is_for_one_file_one_actor_and_a_while(bench: Bench) -> None:
    ref = await bench.ran(lines=2)
    await bench.delivery().sweep()
    artifact = await bench.only(ref)

    link = bench.downloads.link(artifact, ANN)

    assert link is not None
    _, pieces = await bench.downloads.opened(link)
    assert len(b"".join([piece async for piece in pieces])) == artifact.size
    other = ArtifactId(new_id())
    forged = (
        {"artifact_id": other},
        {"actor": "dana"},
        {"until": link.until + 1},
        {"key_id": "00000000"},
        {"signature": "0" * 64},
        {"signature": "ö"},
    )
    for changes in forged:
        with pytest.raises(NotAllowed):
            await bench.downloads.opened(link.model_copy(update=changes))
    with pytest.raises(NotAllowed):
        await replace(bench.downloads, tenant=Tenant("other")).opened(link)
    bench.room.later(301)
    with pytest.raises(NotAllowed):
        await bench.downloads.opened(link)


async def test_links_outlive_a_rotation_of_their_key_and_not_its_removal(bench: Bench) -> None:
    ref = await bench.ran(lines=2)
    await bench.delivery().sweep()
    link = bench.downloads.link(await bench.only(ref), ANN)
    assert link is not None

    bench.keys.write_text(rotated(bench.keys.read_text()))
    after = bench.downloads.link(await bench.only(ref), ANN)
    await bench.downloads.opened(link)
    bench.keys.write_text(new_key())

    assert after is not None
    assert after.key_id != link.key_id
    with pytest.raises(NotAllowed):
        await bench.downloads.opened(link)


async def test_who_downloads_is_in_the_audit(bench: Bench) -> None:
    ref = await bench.ran(lines=2)
    await bench.delivery().sweep()
    program = Actor(kind="service", id="token:ci", name="ci")
    for actor in (ANN, program):
        link = bench.downloads.link(await bench.only(ref), actor)
        assert link is not None
        await bench.downloads.opened(link)

    rows = await bench.room.pool.fetch(
        "SELECT actor FROM audit WHERE action = 'artifact.download' ORDER BY id"
    )

    assert [row["actor"] for row in rows] == [ANN.id, "token:ci"]


async def test_old_files_are_purged_but_not_what_is_unfinished_or_kept(bench: Bench) -> None:
    old, kept, unfinished = [await bench.ran(lines=2) for _ in range(3)]
    await bench.delivery().sweep()
    execution = await bench.room.execution(kept)
    await bench.downloads.keep(execution.id, ANN, "for the review of May")
    await bench.room.pool.execute(
        "UPDATE executions SET ended_at = NULL WHERE plan_id = $1", unfinished.plan_id
    )
    delivery = bench.delivery(keep_days=30)

    none_yet = await delivery.purge()
    bench.room.now += timedelta(days=31)
    gone = await delivery.purge()

    assert (none_yet, gone) == (0, 1)
    purged = await bench.only(old)
    assert purged.state is ArtifactState.PURGED
    assert purged.sha256
    with pytest.raises(NotFound, match="purged"):
        await bench.content(purged)
    for ref in (kept, unfinished):
        assert await bench.content(await bench.only(ref))
    await bench.downloads.release(execution.id, ANN)
    assert await delivery.purge() == 1


async def test_nothing_is_kept_without_a_reason(bench: Bench) -> None:
    execution = await bench.room.execution(await bench.ran(lines=2))

    with pytest.raises(Invalid):
        await bench.downloads.keep(execution.id, ANN, "  ")


async def test_an_output_is_delivered_soon_after_it_was_written(bench: Bench) -> None:
    ready = bench.room.steps.loglines.outputs.ready
    running = asyncio.create_task(replace(bench.delivery(), ready=ready).run())
    ref = await bench.ran(lines=2)

    async with asyncio.timeout(5):
        while (await bench.only(ref)).state is not ArtifactState.STORED:  # noqa: ASYNC110 - its row tells
            await asyncio.sleep(0.02)
    running.cancel()


async def test_the_key_for_links_is_rotated_in_place_and_is_for_nobody_else(bench: Bench) -> None:
    links = LinkKeys(bench.keys)
    before, signature = links.signed("claim")

    after = rotate_file(bench.keys)

    assert links.signed("claim")[0] == after != before
    assert links.holds("claim", before, signature)
    assert bench.keys.stat().st_mode & 0o777 == 0o600
    bench.keys.chmod(0o644)
    with pytest.raises(ConfigurationError, match="can be read by others"):
        LinkKeys(bench.keys)
