"""What a team writes down is found for those who may see it, on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from engine.context.services import ServiceFile
from engine.domain.actor import Actor
from engine.domain.ids import PersonId, Tenant
from engine.domain.knowledge import DocumentKind, Fact, Told, Words
from engine.domain.session import Session, SessionWords, Viewer, Visibility
from engine.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from engine.llm.playbooks import checked_title
from engine.services.knowledge import Knowledge
from engine.services.memory import Memory
from engine.services.sessions import Sessions
from engine.store.connection import Pool, open_pool
from engine.store.unit import PostgresStore
from tests.conftest import Database
from tests.unit.governing import ANN, BO, DANA

TENANT = Tenant("default")
RUNBOOK = DocumentKind.RUNBOOK
GRAPH = "services: [{name: checkout, aliases: [shop checkout]}, {name: payments}]"
PLAYBOOK = """
title: drain a node
phrases: [drain]
plan_title: Drain
steps: [{tool: shop, action: health, title: Look}]
"""


@dataclass
class Desk:
    """The services on one database, and their clock."""

    pool: Pool
    store: PostgresStore
    knowledge: Knowledge
    memory: Memory
    sessions: Sessions

    async def runbook(self, title: str, body: str = "Steps.", **more: tuple[str, ...]) -> str:
        words = Words.model_validate({"title": title, "body": body, **more})
        return (await self.knowledge.write(DANA, RUNBOOK, words)).id

    async def fact(self, text: str, actor: Actor = DANA, **more: object) -> Fact:
        told = Told.model_validate({"text": text, **more})
        return await self.memory.remember(actor, Viewer.of(actor), told)

    async def session(
        self, name: str, actor: Actor = DANA, visibility: str = "members", **more: object
    ) -> Session:
        words = SessionWords.model_validate({"name": name, "visibility": visibility, **more})
        return await self.sessions.open(actor, words)

    async def titles(self, query: str, **scope: str) -> list[str]:
        return [one.title for one in await self.knowledge.passages(query, **scope)]  # type: ignore[arg-type]


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    pool = await open_pool(database.app_dsn, size=4, statement_timeout=5, connect_timeout=5)
    store, graph = PostgresStore(pool, TENANT), ServiceFile.parse(GRAPH)

    def clock() -> datetime:
        return datetime.now(UTC)

    yield Desk(
        pool,
        store,
        Knowledge(store, clock, TENANT, graph, checked_title),
        Memory(store, clock, TENANT, graph),
        Sessions(store, clock, TENANT),
    )
    await pool.close()


# --- search ---------------------------------------------------------------------------------


async def test_the_title_counts_more_than_the_text_and_words_are_stemmed(desk: Desk) -> None:
    await desk.runbook("Certificates", "Rarely somebody has to fail over the DNS by hand.")
    await desk.runbook("DNS failover", "Point the zones at the other provider.")
    await desk.runbook("Kafka", "Move partitions.")

    assert await desk.titles("the DNS zone is failing") == ["DNS failover", "Certificates"]


async def test_only_a_runbook_that_the_words_name_fits(desk: Desk) -> None:
    await desk.runbook("DNS failover", "For payments and everything behind it.")
    await desk.runbook("Checkout is slow", "Look at the pool. DNS is never the reason.")

    found = await desk.knowledge.passages("change the DNS of checkout", service="checkout")

    assert [(one.title, one.fits) for one in found] == [
        ("DNS failover", True),
        ("Checkout is slow", False),
    ]


async def test_a_runbook_of_the_service_comes_before_one_of_another(desk: Desk) -> None:
    await desk.runbook("Slow pool", "The pool is slow.", services=("payments",))
    await desk.runbook("Slow pool here", "The pool is slow.", services=("checkout",))

    assert (await desk.titles("pool is slow", service="checkout"))[0] == "Slow pool here"


async def test_a_runbook_for_another_environment_is_left_out(desk: Desk) -> None:
    await desk.runbook("Wipe the cache", environments=("staging",))

    assert await desk.titles("wipe the cache", environment="prod") == []
    assert await desk.titles("wipe the cache", environment="staging") == ["Wipe the cache"]


async def test_tags_and_other_languages_are_found_in_their_own_way(desk: Desk) -> None:
    await desk.runbook("Netz", "Die Leitungen wurden getrennt.", tags=("bgp",))
    words = Words(title="Leitungen", body="Verbindungen neu aufbauen", language="german")
    await desk.knowledge.write(DANA, RUNBOOK, words)

    assert await desk.titles("bgp") == ["Netz"]
    assert await desk.titles("Leitung") == ["Leitungen"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "   ",
        "' OR 1=1 --",
        "a & | ! ( <-> :*",
        'unbalanced "quote',
        "-dns -failover",
        "\x00nul",
        "the of and",
        "x' & 'y",
        "http://host/path?a=b&c=d 'q' \\",
        "\N{HIGH VOLTAGE SIGN} é " + "word " * 3000,
    ],
)
async def test_no_query_breaks_the_search(desk: Desk, query: str) -> None:
    await desk.runbook("DNS failover")

    await desk.titles(query)
    await desk.knowledge.listed(RUNBOOK, query=query)
    await desk.memory.listed(Viewer.of(DANA), query=query)

    assert await desk.titles("dns") == ["DNS failover"]


async def test_five_hundred_runbooks_are_searched_quickly(desk: Desk) -> None:
    body = "Look at the pods of it, then at its pool and its queue. " * 40
    for number in range(500):
        await desk.runbook(f"Service {number} is slow", body)
    await desk.runbook("DNS failover", body)
    since = datetime.now(UTC)

    found = await desk.titles("fail over the dns of checkout")

    assert found[0] == "DNS failover"
    assert datetime.now(UTC) - since < timedelta(seconds=1)


# --- documents ------------------------------------------------------------------------------


async def test_a_change_needs_the_revision_that_was_seen(desk: Desk) -> None:
    name = await desk.runbook("DNS failover")
    words = Words(title="DNS failover", body="Better.")
    await desk.knowledge.change(ANN, RUNBOOK, name, words, revision=1)

    with pytest.raises(Stale):
        await desk.knowledge.change(ANN, RUNBOOK, name, words, revision=1)

    kept = await desk.knowledge.get(RUNBOOK, "dns-failover")
    assert (kept.revision, kept.body, kept.authors) == (2, "Better.", (DANA.id, ANN.id))


async def test_two_documents_of_a_kind_have_two_names(desk: Desk) -> None:
    await desk.runbook("DNS failover")

    with pytest.raises(Conflict, match="dns-failover"):
        await desk.runbook("DNS  Failover")


async def test_of_two_who_write_the_same_at_once_one_is_told(desk: Desk) -> None:
    wrote = await asyncio.gather(
        *(desk.runbook("DNS failover") for _ in range(4)), return_exceptions=True
    )

    assert sorted(type(one).__name__ for one in wrote) == ["Conflict"] * 3 + ["str"]


async def test_what_was_removed_is_neither_found_nor_there(desk: Desk) -> None:
    name = await desk.runbook("DNS failover")

    await desk.knowledge.remove(ANN, RUNBOOK, name, revision=1)

    assert await desk.titles("dns") == []
    with pytest.raises(NotFound):
        await desk.knowledge.get(RUNBOOK, name)


async def test_pages_follow_each_other_without_gap_or_repetition(desk: Desk) -> None:
    names = [await desk.runbook(f"Runbook {number}") for number in range(5)]

    first = await desk.knowledge.listed(RUNBOOK, limit=2)
    second = await desk.knowledge.listed(RUNBOOK, limit=9, after=first[-1].document.id)

    paged = [one.document.id for one in (*first, *second)]
    assert paged == sorted(names, reverse=True)  # those of one millisecond in any order


async def test_a_playbook_is_checked_like_a_file(desk: Desk) -> None:
    playbook = DocumentKind.PLAYBOOK
    made = await desk.knowledge.write(DANA, playbook, Words(title="x", body=PLAYBOOK))

    assert (made.title, made.name) == ("drain a node", "drain-a-node")
    with pytest.raises(Invalid, match="steps"):
        await desk.knowledge.write(DANA, playbook, Words(title="x", body="title: a\nsteps: []"))
    with pytest.raises(Invalid, match="line 2"):
        await desk.knowledge.write(DANA, playbook, Words(title="x", body="a: [\n"))


async def test_every_change_is_audited(desk: Desk) -> None:
    name = await desk.runbook("DNS failover")
    await desk.knowledge.remove(ANN, RUNBOOK, name)

    async with desk.store.begin() as unit:
        events = await unit.audit.of(name)
    assert [(one.action, one.actor.id) for one in events] == [
        ("runbook.create", DANA.id),
        ("runbook.remove", ANN.id),
    ]


# --- memory and sessions --------------------------------------------------------------------


async def test_a_fact_of_a_session_never_reaches_another(desk: Desk) -> None:
    mine, other = await desk.session("migration"), await desk.session("audit", ANN)
    await desk.fact("checkout: the pool is frozen", service="checkout", session=mine.id)
    await desk.fact("checkout: deploy on Tuesdays", service="checkout")

    async def told(session: str | None) -> set[str]:
        found = await desk.knowledge.passages("pool", service="checkout", session=session)
        return {one.text for one in found}

    assert await told(other.id) == await told(None) == {"checkout: deploy on Tuesdays"}
    assert len(await told(mine.id)) == 2


async def test_facts_are_about_their_scope_and_end(desk: Desk) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    await desk.fact("payments is frozen", service="payments", expires_at=soon)
    await desk.fact("staging is reset at night", environment="staging")

    assert await desk.titles("restart", service="payments", environment="prod") == [
        "payments is frozen"
    ]
    await desk.pool.execute("UPDATE facts SET expires_at = now() - interval '1 second'")
    assert await desk.titles("restart", service="payments", environment="staging") == []


async def test_a_fact_about_nothing_that_we_know_is_refused(desk: Desk) -> None:
    with pytest.raises(Invalid, match="no service mainframe"):
        await desk.fact("x", service="mainframe")
    with pytest.raises(Invalid, match="at once"):
        await desk.fact("x", expires_at=datetime.now(UTC) - timedelta(days=1))


@pytest.mark.parametrize(
    ("visibility", "seen"), [("private", ""), ("members", "ann"), ("everyone", "ann bo")]
)
async def test_visibility_holds_in_the_query_itself(desk: Desk, visibility: str, seen: str) -> None:
    session = await desk.session("migration", visibility=visibility, members=(ANN.id,))
    await desk.fact("the plan is secret", session=session.id)

    for actor in (ANN, BO):
        viewer = Viewer.of(actor)
        allowed = actor.id.split(":")[-1] in seen.split() or actor.name.lower() in seen.split()
        listed = await desk.sessions.listed(viewer)
        facts = await desk.memory.listed(viewer)
        assert (bool(listed), bool(facts)) == (allowed, allowed)
        assert session.admits(viewer) == allowed
        if not allowed:
            with pytest.raises(NotFound):
                await desk.sessions.find(viewer, session.id)


async def test_a_group_makes_members_of_its_people(desk: Desk) -> None:
    await desk.session("migration", groups=(ANN.groups[0],))

    stranger = Viewer(person=PersonId("zoe"))
    assert len(await desk.sessions.listed(Viewer.of(ANN))) == 1
    assert await desk.sessions.listed(stranger) == []


async def test_only_its_owner_decides_about_a_session(desk: Desk) -> None:
    session = await desk.session("migration", visibility="everyone")

    with pytest.raises(NotAllowed, match="Dana"):
        await desk.sessions.close(ANN, Viewer.of(ANN), session.id)

    closed = await desk.sessions.close(DANA, Viewer.of(DANA), "migration")
    assert not closed.open
    assert closed.closed_at is not None


async def test_another_tenant_sees_nothing(desk: Desk) -> None:
    await desk.runbook("DNS failover")
    await desk.session("migration", visibility="everyone")
    store = PostgresStore(desk.pool, "other")

    async with store.begin() as unit:
        documents = await unit.documents.listed(RUNBOOK)
        sessions = await unit.sessions.listed(Viewer(person=DANA.id, everything=True))
        found = await unit.documents.relevant(
            "dns", named="dns", service=None, environment=None, limit=5
        )

    assert (documents, sessions, found) == ([], [], [])


async def test_a_private_name_is_nobodys_business(desk: Desk) -> None:
    await desk.session("migration", visibility="private")

    assert (await desk.session("migration", ANN)).owner == ANN.id
    with pytest.raises(Conflict):
        await desk.session("Migration")
    assert Visibility.PRIVATE in {
        one.visibility for one in await desk.sessions.listed(Viewer.of(DANA))
    }
