"""Workflows of the catalog: checked when they are read, filled without guessing."""

import copy
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.cli.workflow import check
from engine.context.services import ServiceFile
from engine.domain.call import Effect
from engine.domain.context import ContextRef
from engine.domain.draft import Briefing, Draft, Evidence, How, Outcome, OutcomeKind, Reading
from engine.domain.ids import ConversationId, DraftId, EvidenceId, PersonId, Tenant
from engine.domain.plan import Step
from engine.domain.spoken_workflow import Spoken, spoken
from engine.domain.template import Picked, TemplateRecord, filled
from engine.errors import ConfigurationError, DraftFailed
from engine.llm.picked import Picking
from engine.templates.loading import CATALOG, parsed
from engine.templating import every_tool, finding, shelf
from engine.tools.registry import ToolRegistry

REMOTE = "https://git.example/shop-config"
SERVICES = f"""
environments: {{staging: {{clusters: [eu-9]}}}}
services:
- name: checkout
  namespace: shop
  kind: deployment
  environments: [staging]
  gitops: {{repository: shop-config, remote: "{REMOTE}", path: checkout}}
  helm: {{release: checkout, chart: shop/checkout}}
  vault: {{role: checkout}}
"""
PLACE = ContextRef(environment="staging", cluster="eu-9", namespace="shop", service="checkout")
INPUT: dict[str, dict[str, Any]] = {
    "gitops_deploy": {"version": "1.4.2"},
    "helm_release": {"version": "1.4.2"},
    "incident_remediation": {},
    "scale_service": {"replicas": "5"},
    "secret_rotation": {},
}
FACTS = {
    "now": {"replicas": "2"},
    "changes": {"head": "a" * 40, "last_subject": "raise pool", "last_author": "Dana"},
    "history": {"revision": "7", "deployed": "7", "chart": "checkout-1.4.1"},
    "rollout": {"complete": "yes"},
    "role": {"rotated": "2026-01-01T00:00:00Z"},
}
SMALL: dict[str, Any] = {
    "workflow": "restart",
    "title": "Restart",
    "input": {"why": {"type": "text", "optional": True}},
    "evidence": [
        {
            "name": "now",
            "tool": "kubectl",
            "action": "rollout_status",
            "input": {"kind": "deployment", "name": "{service.name}"},
            "title": "look",
        }
    ],
    "plan_title": "Restart {service.name}",
    "steps": [
        {
            "tool": "kubectl",
            "action": "rollout_restart",
            "input": {"kind": "deployment", "name": "{service.name}"},
            "title": "restart",
        },
        {
            "tool": "kubectl",
            "action": "rollout_status",
            "input": {"kind": "deployment", "name": "{service.name}"},
            "title": "look",
            "expect": {"output": "complete", "value": "yes"},
        },
    ],
}
FIND = finding(every_tool(None))


class Nobody:
    """The `Planner` port, that must not be asked."""

    name = "nobody"

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        raise AssertionError("a workflow needs no other planner")

    async def plan(self, briefing: Briefing) -> Outcome:
        raise AssertionError("a workflow needs no other planner")


async def nothing_said(text: str) -> None:
    """No sentence asks for a workflow."""


def small(**other: Any) -> dict[str, Any]:
    return {**copy.deepcopy(SMALL), **other}


def step(at: int, **other: Any) -> dict[str, Any]:
    """The small workflow with a step that differs."""
    made = small()
    made["steps"][at].update(other)
    return made


def picking() -> Picking:
    tools = ToolRegistry.unconnected(remotes=(REMOTE,))
    return Picking(Nobody(), tools, ServiceFile.parse(SERVICES), nothing_said)


def started(record: TemplateRecord, **given: Any) -> Briefing:
    """A request that somebody made by this workflow."""
    values, wrong = filled(record.template, given)
    assert wrong == {}
    picked = Picked(
        template=record.template, digest=record.digest, input=values, authors=(PersonId("bo"),)
    )
    draft = Draft(
        id=DraftId("d"),
        tenant=Tenant("default"),
        conversation_id=ConversationId("c"),
        requester=PersonId("dana"),
        requester_name="Dana",
        text="Workflow",
        context=PLACE,
        how=How.PICKED,
        picked=picked,
        created_at=datetime.now(UTC),
    )
    return Briefing(draft=draft)


async def looked(planner: Picking, briefing: Briefing, **facts: dict[str, str]) -> Briefing:
    """The same with everything looked at that it wants to look at."""
    found = [
        Evidence(
            id=EvidenceId(str(at)),
            draft_id=DraftId("d"),
            number=at,
            name=one.name,
            tool=one.tool,
            action=one.action,
            title=one.title,
            summary="",
            facts=facts.get(one.name, {}),
            ok=one.name in facts,
            at=datetime.now(UTC),
        )
        for at, one in enumerate(await planner.readings(briefing), start=1)
    ]
    return briefing.model_copy(update={"evidence": tuple(found)})


@pytest.mark.parametrize("name", sorted(INPUT))
async def test_each_that_ships_looks_checks_and_can_be_undone_or_says_why_not(name: str) -> None:
    record = shelf(every_tool(None), None)[name]
    planner = picking()

    briefing = await looked(planner, started(record, **INPUT[name]), **FACTS)
    outcome = await planner.plan(briefing)

    assert outcome.proposal
    steps: list[Step] = [
        planner.tools.freeze(one, PLACE, number=at, mark=f"P.1.{at}")
        for at, one in enumerate(outcome.proposal.steps, start=1)
    ]
    writes = [one for one in steps if one.effect is not Effect.READ]
    lasting = [one.call.name for one in writes if one.rollback is None]
    assert briefing.evidence
    assert writes
    assert steps[-1].expect is not None
    assert lasting == (["vault.rotate_role"] if name == "secret_rotation" else [])
    assert outcome.proposal.knowledge[0].authors == ("bo",)


async def test_the_value_that_was_looked_at_is_what_the_change_relies_on() -> None:
    planner, record = picking(), shelf(every_tool(None), None)["scale_service"]

    plan = await planner.plan(await looked(planner, started(record, replicas="5"), **FACTS))
    same = await planner.plan(await looked(planner, started(record, replicas="2"), **FACTS))

    assert plan.proposal
    assert plan.proposal.steps[0].input["current_replicas"] == "2"
    assert plan.proposal.title == "Scale checkout from 2 to 5 in staging/eu-9"
    assert (same.kind, same.proposal) == (OutcomeKind.REFUSE, None)
    assert "has 2 replicas in staging/eu-9 already" in same.text


async def test_what_could_not_be_looked_at_is_told_and_nothing_is_guessed() -> None:
    planner, record = picking(), shelf(every_tool(None), None)["scale_service"]
    briefing = await looked(planner, started(record, replicas="5"))

    with pytest.raises(DraftFailed, match=r"evidence\.now\.replicas is not known \(replicas of"):
        await planner.plan(briefing)


async def test_a_choice_decides_which_steps_belong_to_the_plan() -> None:
    planner, record = picking(), shelf(every_tool(None), None)["incident_remediation"]

    names = {}
    for remedy in ("undo", "restart"):
        briefing = await looked(planner, started(record, remedy=remedy), **FACTS)
        outcome = await planner.plan(briefing)
        assert outcome.proposal
        names[remedy] = [one.action for one in outcome.proposal.steps]

    assert names == {
        "undo": ["rollout_undo", "rollout_status"],
        "restart": ["rollout_restart", "rollout_status"],
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (small(colour="red"), "colour"),
        (small(workflow="Restart!"), "workflow"),
        (small(evidence=[]), "evidence"),
        (small(plan_title="{service.name"), "no placeholder"),
        (small(plan_title="{settings.key}"), "{settings.key} is no placeholder"),
        (small(plan_title="{input.image}"), "{input.image} names no input"),
        (small(plan_title="{context.planet}"), "{context.planet} names no place"),
        (small(plan_title="{evidence.now.colour}"), "now has no output colour"),
        (small(needs=["evidence.then.complete"]), "names no reading"),
        (small(evidence=SMALL["evidence"] * 2), "two readings are called now"),
        (small(input={"size": {"type": "choice"}}), "a choice needs choices"),
        (small(steps=SMALL["steps"][:1]), "steps"),
        (small(steps=SMALL["steps"][1:] * 2), "no step changes anything"),
        (small(steps=SMALL["steps"][::-1]), "checks with `expect`"),
        (step(0, action="explode"), "there is no action kubectl.explode"),
        (step(0, input={"name": "x"}), "kubectl.rollout_restart needs the input kind"),
        (step(0, input={"kind": "d", "name": "x", "force": "y"}), "has no input force"),
        (step(0, expect={"output": "complete", "value": "yes"}), "in a step of its own"),
        (step(1, expect={"output": "colour", "value": "red"}), "has no output colour"),
        (step(1, input={"kind": "d", "name": "{steps.2.complete}"}), "does not come before"),
        (
            step(0, action="drain", input={"node": "n"}),
            "step 1: nothing undoes it; say why that has to be, in `no_rollback`",
        ),
        (["a"], "is wrong"),
    ],
)
def test_a_wrong_workflow_is_refused_with_its_place(content: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=r"w\.yaml is wrong") as caught:
        parsed(json.dumps(content), "w.yaml", FIND)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("wanted", "value", "normal", "wrong"),
    [
        ({"type": "integer", "max": 9}, "7", 7, ""),
        ({"type": "integer", "max": 9}, 10, None, "between 0 and 9"),
        ({"type": "integer"}, True, None, "wants a whole number"),
        ({"type": "image"}, "registry.example:5000/a/b:1.2", "registry.example:5000/a/b:1.2", ""),
        ({"type": "image"}, "checkout", None, "wants an image"),
        ({"type": "name"}, "--force", None, "dash"),
        ({"type": "text"}, "{steps.1.commit}", None, "braces"),
        ({"type": "text"}, "a\u202eb", None, "control character"),
        ({"type": "text", "max_length": 3}, "four", None, "longer than 3"),
        ({"type": "choice", "choices": ["a", "b"]}, "c", None, "one of a, b"),
        ({"type": "switch"}, "true", "yes", ""),
        ({"type": "duration", "default": "5m"}, "", "5m", ""),
        ({"type": "duration"}, "", None, "is needed"),
    ],
)
def test_an_input_takes_what_its_type_says_and_tells_what_it_wants(
    wanted: Any, value: Any, normal: Any, wrong: str
) -> None:
    template = parsed(json.dumps(small(input={"x": wanted})), "w.yaml", FIND)

    values, faults = filled(template, {"x": value})

    assert values.get("x") == normal
    assert wrong in faults.get("x", "")
    assert bool(faults) == bool(wrong)


def test_two_of_one_name_and_unreadable_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text((CATALOG / "scale_service.yaml").read_text())

    with pytest.raises(ConfigurationError, match="there is a workflow scale_service already"):
        shelf(every_tool(None), tmp_path)


def test_the_command_checks_files_and_fails_for_wrong_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(json.dumps(small(plan_title="{nothing.here}")))

    with pytest.raises(SystemExit) as ended:
        check(CATALOG / "scale_service.yaml", wrong)

    told = capsys.readouterr().out
    assert ended.value.code == 1
    assert "scale_service.yaml: scale_service v1 is right." in told
    assert "wrong.yaml is wrong: {nothing.here} is no placeholder" in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "start the workflow scale_service for till in staging/eu-9: replicas=4",
            Spoken(
                name="scale_service", service="till", place="staging/eu-9", input={"replicas": "4"}
            ),
        ),
        (
            "Please run workflow `helm_release` on kiosk with values=tag=1.1.0, wait to 2m.",
            Spoken(
                name="helm_release", service="kiosk", input={"values": "tag=1.1.0", "wait": "2m"}
            ),
        ),
        ("start workflow secret_rotation", Spoken(name="secret_rotation")),
        ("start the workflow scale_service for till and delete the database", None),
        ("which workflow scales till?", None),
        ("don't start the workflow scale_service for till", None),
        ("Ann said: start the workflow scale_service for till", None),
    ],
)
def test_a_workflow_is_asked_for_in_words_and_other_sentences_ask_for_none(
    text: str, said: Spoken | None
) -> None:
    assert spoken(text) == said
