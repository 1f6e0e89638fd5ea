"""What the relay does with posts, with a table and a Slack that do as told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.relay.relay import Relay, backoff
from bot.relay.rendering import File, Rendered, Rendering
from bot.relay.statuses import Statuses
from bot.relay.writing import Writing, method_of
from bot.slack.budgets import Budgets
from bot.slack.writer import Limited, Refused, Shown, Vanished, Writer
from engine.domain.conversation import Place, Post, PostKind
from engine.domain.ids import Tenant
from engine.errors import Unavailable
from tests.unit.cards import NOW


def post(name: str, kind: PostKind = PostKind.PLAN, **changes: Any) -> Post:
    values: dict[str, Any] = {
        "id": name,
        "tenant": Tenant("default"),
        "kind": kind,
        "subject": name,
        "place": Place(channel="C1", thread="1.1"),
        "created_at": NOW,
    }
    return Post(**{**values, **changes})


@dataclass
class Table:
    """Posts in memory; one leader."""

    posts: dict[str, Post]
    failures: list[tuple[str, str, float | None]] = field(default_factory=list)
    wake: Callable[[], None] = lambda: None

    async def lease(self, name: str, holder: str, seconds: float) -> int | None:
        return 1

    async def release(self, name: str, holder: str) -> None:
        return None

    async def due(self, limit: int, *, kinds: Sequence[PostKind] | None = None) -> list[Post]:
        return [each for each in self.posts.values() if each.wanted > each.shown]

    async def claim(self, post_id: str, epoch: int) -> bool:
        self.posts[post_id] = self.posts[post_id].model_copy(update={"unsure": True})
        return True

    async def posted(
        self,
        post_id: str,
        *,
        shown: int,
        ts: str,
        epoch: int,
        shown_version: int = 0,
        shown_at: str = "",
    ) -> bool:
        told = {"shown": shown, "ts": ts, "unsure": False, "shown_version": shown_version}
        self.posts[post_id] = self.posts[post_id].model_copy(update=told)
        return True

    async def failed(self, post_id: str, *, error: str, retry_in: float | None, epoch: int) -> None:
        self.failures.append((post_id, error, retry_in))
        if retry_in is None:
            gone = {"shown": self.posts[post_id].wanted}
            self.posts[post_id] = self.posts[post_id].model_copy(update=gone)

    @asynccontextmanager
    async def listening(self, wake: Callable[[], None]) -> AsyncIterator[None]:
        self.wake = wake
        yield


@dataclass
class Pen:
    """The writer's methods; `trouble` is raised once per entry."""

    written: list[tuple[str, str]] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)
    found: str = ""
    budgets: Budgets = field(default_factory=lambda: Budgets(scale=50))

    def note(self, what: str, detail: str) -> None:
        self.written.append((what, detail))
        if self.trouble:
            raise self.trouble.pop(0)

    async def post(
        self, channel: str, thread: str, message: Any, post_id: str, *, broadcast: bool = False
    ) -> Shown:
        self.note("broadcast" if broadcast else "post", post_id)
        return Shown("5.5", "5.5")

    async def update(self, channel: str, ts: str, message: Any) -> Shown:
        self.note("update", ts)
        return Shown(ts, "9")

    async def find(self, channel: str, thread: str, post_id: str) -> str:
        self.note("find", post_id)
        return self.found

    async def whisper(self, channel: str, thread: str, user: str, message: Any) -> None:
        self.note("whisper", user)

    async def react(self, channel: str, ts: str, name: str) -> None:
        self.note("react", name)

    async def upload(self, channel: str, thread: str, name: str, title: str, text: str) -> None:
        self.note("upload", name)


@dataclass
class Script:
    """Renders anything, or fails as told."""

    bugs: set[str] = field(default_factory=set)
    file: File | None = None

    async def message(self, wanted: Post) -> Rendered:
        if wanted.id in self.bugs:
            raise KeyError(wanted.id)
        return Rendered({"text": "t", "blocks": []}, version=2, file=self.file)


def relay(table: Table, pen: Pen, script: Script | None = None) -> Relay:
    rendering = cast("Rendering", script or Script())
    writer = cast("Writer", pen)
    return Relay(table, Writing(table, rendering, writer, Statuses(writer)), "slack", "me")


@asynccontextmanager
async def running(it: Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(it.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not fact():  # noqa: ASYNC110 - facts of several objects, with a deadline
            await asyncio.sleep(0.01)


async def test_a_new_card_is_claimed_posted_and_recorded() -> None:
    table, pen = Table({"a": post("a")}), Pen()

    async with running(relay(table, pen)):
        await until(lambda: table.posts["a"].shown == 1)

    assert pen.written == [("post", "a")]
    assert (table.posts["a"].ts, table.posts["a"].shown_version) == ("5.5", 2)


async def test_a_post_of_unknown_outcome_is_looked_for_first() -> None:
    table, pen = Table({"a": post("a", unsure=True)}), Pen(found="4.4")

    async with running(relay(table, pen)):
        await until(lambda: table.posts["a"].shown == 1)

    assert pen.written == [("find", "a"), ("update", "4.4")]
    assert table.posts["a"].ts == "4.4"


async def test_what_is_known_to_have_failed_is_not_looked_for() -> None:
    table, pen = Table({"a": post("a")}), Pen(trouble=[Limited(0.01)])

    async with running(relay(table, pen)):
        await until(lambda: table.posts["a"].shown == 1)

    assert pen.written == [("post", "a"), ("post", "a")]


async def test_a_card_that_vanished_is_posted_anew() -> None:
    table, pen = Table({"a": post("a", ts="4.4")}), Pen(trouble=[Vanished()])

    async with running(relay(table, pen)):
        await until(lambda: table.posts["a"].shown == 1)

    assert table.posts["a"].ts == "5.5"


async def test_a_refusal_is_not_repeated() -> None:
    table, pen = Table({"a": post("a")}), Pen(trouble=[Refused("is_archived")])

    async with running(relay(table, pen)):
        await until(lambda: bool(table.failures))

    assert table.failures == [("a", "is_archived", None)]


async def test_an_outage_backs_off() -> None:
    trouble: list[Exception] = [Unavailable("slack", "away")]
    table, pen = Table({"a": post("a", attempts=3)}), Pen(trouble=trouble)

    async with running(relay(table, pen)):
        await until(lambda: bool(table.failures))

    assert table.failures[0] == ("a", "away", backoff(3))


async def test_a_bug_in_one_post_holds_up_no_other() -> None:
    table, pen = Table({"a": post("a"), "b": post("b")}), Pen()

    async with running(relay(table, pen, Script(bugs={"a"}))):
        await until(lambda: table.posts["b"].shown == 1)

    assert table.posts["a"].shown == 0


async def test_a_card_that_was_just_edited_rests_and_an_urgent_one_does_not() -> None:
    table, pen = Table({"a": post("a", ts="4.4")}), Pen()

    async with running(relay(table, pen)):
        await until(lambda: table.posts["a"].shown == 1)
        table.posts["a"] = table.posts["a"].model_copy(update={"wanted": 2})
        table.wake()
        await asyncio.sleep(0.2)
        calm = len(pen.written)
        table.posts["a"] = table.posts["a"].model_copy(update={"urgent": True})
        table.wake()
        await until(lambda: table.posts["a"].shown == 2)

    assert calm == 1
    assert len(pen.written) == 2


async def test_cards_take_turns_and_what_needs_a_person_goes_first() -> None:
    waiting = {name: post(name, ts="4.4") for name in ("first", "second", "third")}
    waiting["urgent"] = post("urgent", ts="4.4", urgent=True)
    it = relay(Table({}), Pen())
    it._edited.update({"first": 30.0, "second": 10.0})

    turns = [each.id for each in it._in_turn(list(waiting.values()))]

    assert turns == ["urgent", "third", "second", "first"]


async def test_a_thread_gets_its_new_messages_one_after_the_other() -> None:
    findings, plan = post("findings", PostKind.FINDINGS, urgent=True), post("plan", urgent=True)
    elsewhere = post("other", place=Place(channel="C1", thread="2.2"))
    whisper = post("whisper", PostKind.WHISPER)
    due = [findings, plan, elsewhere, whisper]
    it = relay(Table({}), Pen())

    first = [each.id for each in it._startable(due)]
    it._busy["findings"] = cast("asyncio.Task[None]", None)
    meanwhile = [each.id for each in it._startable(due)]
    del it._busy["findings"]
    afterwards = [each.id for each in it._startable(due[1:])]

    assert first == ["findings", "other", "whisper"]
    assert meanwhile == ["other", "whisper"]
    assert afterwards == ["plan", "other", "whisper"]


async def test_many_cards_do_not_make_each_other_rest() -> None:
    it = relay(Table({}), Pen())
    it.clock = lambda: 100.0
    it._edited.update({f"card {number}": 90.0 for number in range(20)})

    assert it._pace(post("card 7", ts="4.4")) <= 0


async def test_a_plan_that_does_not_fit_brings_its_file_once_per_version() -> None:
    table, pen = Table({"a": post("a")}), Pen()
    script = Script(file=File("P-1-v2.txt", "t", "steps"))

    async with running(relay(table, pen, script)):
        await until(lambda: ("upload", "P-1-v2.txt") in pen.written)
        table.posts["a"] = table.posts["a"].model_copy(update={"wanted": 2, "urgent": True})
        table.wake()
        await until(lambda: table.posts["a"].shown == 2)

    assert pen.written.count(("upload", "P-1-v2.txt")) == 1


async def test_whispers_and_reactions_use_their_own_calls() -> None:
    eyes = post("r", PostKind.REACTION, body={"ts": "1.1", "name": "eyes"})
    private = post("w", PostKind.WHISPER, recipient="slack:T0:U0ANN", body={"text": "x"})
    table, pen = Table({"r": eyes, "w": private}), Pen()

    async with running(relay(table, pen)):
        await until(lambda: all(each.shown for each in table.posts.values()))

    assert sorted(pen.written) == [("react", "eyes"), ("whisper", "U0ANN")]


@pytest.mark.parametrize(
    ("asked", "method"),
    [
        (post("a"), "chat.postMessage"),
        (post("a", ts="1.1"), "chat.update"),
        (post("a", PostKind.WHISPER), "chat.postEphemeral"),
        (post("a", PostKind.HOME), "views.publish"),
    ],
)
def test_each_post_needs_the_budget_of_its_call(asked: Post, method: str) -> None:
    assert method_of(asked) == method


def eyes(name: str) -> Post:
    return post(name, PostKind.REACTION, body={"ts": "1.2", "name": "eyes"}, urgent=True)


async def test_a_glance_is_shown_before_its_row_and_only_once() -> None:
    table, pen = Table({}), Pen()
    it = relay(table, pen)

    async with running(it):
        await until(lambda: it.leading)
        it.glance("C1", "1.2", "eyes")
        await until(lambda: pen.written == [("react", "eyes")])
        table.posts["a"] = eyes("a")
        table.wake()
        await until(lambda: table.posts["a"].shown == 1)

    assert pen.written == [("react", "eyes")]


async def test_a_glance_that_failed_is_made_up_for_by_its_row() -> None:
    table, pen = Table({"a": eyes("a")}), Pen(trouble=[Limited(0.01)])
    it = relay(table, pen)
    it.leading = True
    it.glance("C1", "1.2", "eyes")

    async with running(it):
        await until(lambda: table.posts["a"].shown == 1)

    assert pen.written == [("react", "eyes"), ("react", "eyes")]


async def test_who_does_not_lead_glances_at_nothing() -> None:
    pen = Pen()

    relay(Table({}), pen).glance("C1", "1.2", "eyes")
    await asyncio.sleep(0)

    assert pen.written == []


@dataclass
class Slow(Table):
    """Reads its rows, and tells of them only after the first of them was posted."""

    read: asyncio.Event = field(default_factory=asyncio.Event)
    rounds: int = 0

    async def due(self, limit: int, *, kinds: Sequence[PostKind] | None = None) -> list[Post]:
        found = await super().due(limit)
        self.rounds += 1
        if self.rounds == 2:
            self.read.set()
            await until(lambda: self.posts["a"].shown == 1)
        return found

    async def claim(self, post_id: str, epoch: int) -> bool:
        self.wake()
        await self.read.wait()
        return await super().claim(post_id, epoch)


async def test_what_ended_while_the_rows_were_read_is_not_posted_again() -> None:
    table, pen = Slow({"a": post("a")}), Pen()

    async with running(relay(table, pen)):
        await until(lambda: table.rounds >= 3)

    assert pen.written == [("post", "a")]
