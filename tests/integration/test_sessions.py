"""Planning and executing inside a session, and what of it reaches a planner."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.domain.conversation import Place
from engine.domain.draft import Outcome, OutcomeKind
from engine.domain.knowledge import DocumentKind, Told, Used, Words
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.domain.questions import Limits
from engine.domain.session import Session, SessionWords, Viewer, Visibility
from engine.errors import NotAllowed
from engine.llm.prompts import load_prompts, new_fence
from engine.llm.selection import Selection
from engine.resources import shipped
from engine.services.memory import Memory
from engine.services.sessions import Sessions
from tests.conftest import Database
from tests.integration.room import Room, open_room, plans, proposed
from tests.integration.script import TENANT
from tests.unit.governing import ANN, BO, DANA

WAR_ROOM = Place(channel="C0WAR", thread="1700000001.000100")
ELSEWHERE = Place(channel="C0ELSE", thread="1700000002.000100")
PLAYBOOK = """
title: pool of five
phrases: [five]
plan_title: Pool of five
steps: [{tool: shop, action: health, title: Look}]
"""


@pytest.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(database, tmp_path) as opened:
        yield opened


def sessions(room: Room) -> Sessions:
    return Sessions(room.store, lambda: room.now, TENANT)


async def opened(room: Room, place: Place, *members: str, visibility: str = "members") -> Session:
    words = SessionWords(
        name=f"of {place.channel}", visibility=Visibility(visibility), members=members
    )
    return await sessions(room).open(DANA, words, channel=place.channel)


async def remembered(room: Room, text: str, session: Session | None) -> None:
    memory = Memory(room.store, lambda: room.now, TENANT, room.plans.services)
    told = Told(text=text, session=session.id if session else None)
    await memory.remember(DANA, Viewer.of(DANA), told)


def strict(room: Room) -> Room:
    """The same room where sessions are required."""
    limits = Limits(sessions_required=True)
    made = replace(room.plans, limits=limits)
    guards = replace(room.executions.guards, limits=limits)
    return replace(
        room,
        plans=made,
        drafts=replace(room.drafts, plans=made, limits=limits),
        gate=replace(room.gate, limits=limits),
        executions=replace(room.executions, guards=guards),
    )


async def test_without_an_open_session_nothing_is_planned_where_one_is_required(
    room: Room,
) -> None:
    room = strict(room)
    room.mind.answers = [plans()]

    draft_id = await room.say(place=WAR_ROOM)
    await room.drafts.propose(draft_id)

    async with room.store.begin() as unit:
        outcome = await unit.drafts.outcome(draft_id)
    assert outcome is not None
    assert outcome.kind is OutcomeKind.REFUSE
    assert "needs an open session" in outcome.text
    assert await room.pool.fetchval("SELECT count(*) FROM plans") == 0


async def test_a_question_needs_no_session(room: Room) -> None:
    room = strict(room)
    room.mind.answers = [Outcome(kind=OutcomeKind.ANSWER, text="All is well.")]

    draft_id = await room.say("is it well?", place=WAR_ROOM)
    await room.drafts.propose(draft_id)

    async with room.store.begin() as unit:
        outcome = await unit.drafts.outcome(draft_id)
    assert outcome is not None
    assert outcome.text == "All is well."


async def test_a_plan_belongs_to_its_session_and_runs_while_that_is_open(room: Room) -> None:
    room = strict(room)
    session = await opened(room, WAR_ROOM, ANN.id)

    ref = await room.approved(place=WAR_ROOM)
    version = await room.plans_version(ref)
    await room.work(ref)

    assert version.session == session.id
    assert await room.state(ref) is VersionState.EXECUTED


async def test_a_closed_session_starts_nothing_that_was_approved_in_it(room: Room) -> None:
    session = await opened(room, WAR_ROOM, ANN.id)
    ref = await room.approved(place=WAR_ROOM)
    await sessions(room).close(DANA, Viewer.of(DANA), session.id)

    await room.next(ref)

    assert await room.state(ref) is VersionState.WITHDRAWN
    assert room.script.calls == []


async def test_who_is_not_in_the_session_neither_plans_nor_approves_in_it(room: Room) -> None:
    await opened(room, WAR_ROOM, ANN.id)
    version = await room.planned(place=WAR_ROOM)

    with pytest.raises(NotAllowed, match="a session that you are not in"):
        await room.approve(version, BO)
    with pytest.raises(NotAllowed, match="a session that you are not in"):
        await room.planned(place=WAR_ROOM, actor=BO)

    assert await room.state(ref_of(version)) is VersionState.WAITING


async def test_the_card_names_its_session_and_only_those_in_it_as_approvers(room: Room) -> None:
    await opened(room, WAR_ROOM, ANN.id)
    version = await room.planned(place=WAR_ROOM)

    view = await room.views.plan(version.plan_id)

    assert view.session == f"of {WAR_ROOM.channel}, opened by {DANA.name}"
    assert view.approvers == (ANN.mention,)


async def test_a_session_of_a_few_does_not_take_a_channel_from_the_others(room: Room) -> None:
    await opened(room, WAR_ROOM, ANN.id, visibility="private")
    thread = Place(channel=WAR_ROOM.channel, thread="1700000009.000100")

    version = await room.planned(place=thread, actor=BO)

    assert version.session is None


async def test_the_memory_of_a_session_reaches_no_prompt_of_another(room: Room) -> None:
    here = await opened(room, WAR_ROOM, ANN.id)
    there = await opened(room, ELSEWHERE, ANN.id)
    await remembered(room, "the pool of the war room is cursed", here)
    await remembered(room, "the pool elsewhere is fine", there)
    await remembered(room, "pools are counted from zero", None)

    prompts = [
        await prompt(room, place, actor)
        for place, actor in ((WAR_ROOM, DANA), (ELSEWHERE, DANA), (WAR_ROOM, BO))
    ]

    told = [("cursed" in one, "elsewhere is fine" in one, "from zero" in one) for one in prompts]
    assert told == [(True, False, True), (False, True, True), (False, False, True)]


async def test_a_plan_says_what_it_was_made_with_and_a_playbooks_author_shaped_it(
    room: Room,
) -> None:
    words = Words(title="x", body=PLAYBOOK)
    await room.drafts.knowledge.write(ANN, DocumentKind.PLAYBOOK, words)  # type: ignore[attr-defined]
    used = Used(kind="playbook", title="pool of five")
    draft = await room.draft(await room.say())
    proposal = proposed().model_copy(update={"used": ("pool of five",), "knowledge": (used,)})

    version = await room.plans.propose(draft, proposal, [])

    assert version is not None
    assert version.knowledge == (used,)
    assert version.editors == (ANN.id,)
    with pytest.raises(NotAllowed, match="someone else"):
        await room.approve(version, ANN)


async def prompt(room: Room, place: Place, actor: object) -> str:
    """What a model would be asked for this speaker, in this place."""
    briefing = await room.drafts.briefing(
        await room.say("set the pool to 5", place=place, actor=actor)  # type: ignore[arg-type]
    )
    selected = Selection(room.plans.services, room.plans.tools, 24_000).of(briefing)
    prompts = load_prompts(shipped("prompts"))
    return prompts.render("request", new_fence(), **selected.values(briefing))


def ref_of(version: PlanVersion) -> VersionRef:
    return VersionRef(plan_id=version.plan_id, version=version.version)
