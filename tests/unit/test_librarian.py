"""What is asked about runbooks, and what is said when no tool does what a runbook does."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from engine.domain.draft import Briefing, Draft, Outcome, OutcomeKind, Reading
from engine.domain.ids import ConversationId, DraftId, PersonId, Tenant
from engine.domain.passage import Passage
from engine.llm.librarian import SHOW, Librarian, asked_for
from engine.llm.shelved import ShelvedPlanner

DNS = Passage(kind="runbook", id="7", title="DNS failover", text="Point the zones.", fits=True)
POOL = Passage(kind="runbook", id="8", title="Slow pool", text="DNS is not it.", fits=False)
FACT = Passage(kind="memory", id="9", title="DNS is frozen", text="DNS is frozen", fits=True)


class Refusing:
    """A planner that always says the same."""

    def __init__(self, text: str = "I can't change DNS: no tool covers it.") -> None:
        self.name = "fixed"
        self.text = text
        self.asked = 0

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        self.asked += 1
        return ()

    async def plan(self, briefing: Briefing) -> Outcome:
        self.asked += 1
        return Outcome(kind=OutcomeKind.REFUSE, text=self.text)


def briefing(text: str, *knowledge: Passage) -> Briefing:
    draft = Draft(
        id=DraftId("d"),
        tenant=Tenant("default"),
        conversation_id=ConversationId("c"),
        requester=PersonId("dana"),
        requester_name="Dana",
        text=text,
        created_at=datetime.now(UTC),
    )
    return Briefing(draft=draft, knowledge=knowledge)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("is there a runbook for DNS failover?", "DNS failover"),
        ("do we have any runbooks about kafka", "kafka"),
        ("please show me the runbook for slow pools", "slow pools"),
        ("show me the DNS failover runbook", "DNS failover"),
        ("which runbook covers dns?", "covers dns"),
        ("runbook for dns?", "dns"),
        ("any runbook?", ""),
    ],
)
def test_a_question_about_runbooks_is_one(text: str, about: str) -> None:
    assert asked_for(text) == about


@pytest.mark.parametrize(
    "text",
    [
        "roll back checkout",
        "the runbook says restart it",
        "what changed?",
        "",
        "follow the runbook",
    ],
)
def test_other_sentences_are_not(text: str) -> None:
    assert asked_for(text) is None


async def test_the_runbook_that_fits_is_offered_and_nobody_else_is_asked() -> None:
    planner = Refusing()
    told = await Librarian(planner).plan(briefing("is there a runbook for dns?", DNS, POOL, FACT))

    assert told.text == "There is the runbook *DNS failover*."
    assert [(one.text, one.action, one.value) for one in told.offers] == [("Show it", SHOW, "7")]
    assert planner.asked == 0


async def test_without_one_that_is_said() -> None:
    told = await Librarian(Refusing()).plan(briefing("is there a runbook for kafka?", POOL))

    assert told.text.startswith("There is no runbook for kafka.")
    assert told.offers == ()


async def test_what_no_tool_does_a_runbook_may() -> None:
    told = await Librarian(Refusing()).plan(briefing("change the dns", POOL, DNS))

    assert told.kind is OutcomeKind.REFUSE
    assert told.text == (
        "I can't change DNS: no tool covers it. The runbook *DNS failover* does; shall I show it?"
    )
    assert told.offers[0].value == "7"


async def test_a_refusal_without_a_fitting_runbook_stays_as_it_is() -> None:
    told = await Librarian(Refusing("No.")).plan(briefing("drop the database", POOL, FACT))

    assert (told.text, told.offers) == ("No.", ())


async def test_a_hostile_title_carries_no_formatting() -> None:
    evil = DNS.model_copy(update={"title": "*DNS* <!channel> `x`\n_y_"})

    told = await Librarian(Refusing()).plan(briefing("is there a runbook for dns?", evil))

    assert told.text == "There is the runbook *DNS !channel x y*."


async def test_playbooks_are_read_again_only_after_a_change() -> None:
    built: list[int] = []
    shelf: dict[str, str] = {}

    def build(playbooks: Sequence[object]) -> Refusing:
        built.append(len(playbooks))
        return Refusing()

    async def stamp() -> str:
        return str(len(shelf))

    async def bodies() -> Sequence[tuple[str, str]]:
        return list(shelf.items())

    planner = ShelvedPlanner((), build, stamp=stamp, bodies=bodies)
    shelf["bad"] = "steps: ["
    shelf["good"] = "title: t\nplan_title: T\nsteps: [{tool: a, action: b, title: c}]"
    for _ in range(3):
        await planner.plan(briefing("x"))

    assert built == [0, 1]
