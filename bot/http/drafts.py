"""What the API says about a request: the plan it became, or what came instead."""

from bot.http import bodies
from engine.domain.draft import DraftState, Evidence, OutcomeKind
from engine.domain.model import Json
from engine.domain.wanted import Standing

KINDS = {
    OutcomeKind.ANSWER: "question",
    OutcomeKind.QUESTION: "ask",
    OutcomeKind.REFUSE: "refuse",
    OutcomeKind.REMARK: "remark",
}
DRY_RUN = "What it would change comes in the thread, and is at {}."
UNDERSTOOD_NOTHING = "These words ask for nothing that I could do or look up."


def became(found: Standing) -> dict[str, Json]:
    """`kind` is plan, question (`answer` answers it), ask, confirm, refuse, remark or drafting."""
    if not found.settled:
        return under_way(found)
    if found.version is not None and found.plan_state is not None:
        return planned(found) | {
            "plan": bodies.plan(found.version, found.plan_state, list(found.signed)),
        }
    evidence: list[Json] = [looked(each) for each in found.evidence]
    said = {"evidence": evidence, "created_at": bodies.time(found.created_at)}
    if found.asking:
        return named(found, "confirm", found.outcome.cost if found.outcome else "") | said
    return instead(found) | said


def under_way(found: Standing) -> dict[str, Json]:
    """Nothing came of it yet."""
    return {
        "kind": "drafting",
        "draft_id": found.draft.id,
        "looked_at": len(found.evidence),
        "created_at": bodies.time(found.created_at),
    }


def planned(found: Standing) -> dict[str, Json]:
    """Which version it became."""
    assert found.version is not None
    return {
        "kind": "plan",
        "draft_id": found.draft.id,
        "plan_id": found.version.plan_id,
        "reference": found.version.reference,
        "version": found.version.version,
        "created_at": bodies.time(found.created_at),
    }


def instead(found: Standing) -> dict[str, Json]:
    """An answer, a question back, a refusal with its reason."""
    outcome = found.outcome
    if outcome is None or found.draft.state is DraftState.DROPPED:
        return named(found, "remark", outcome.text if outcome else "") | {"choices": []}
    if outcome.kind is OutcomeKind.REMARK:
        text = outcome.text or UNDERSTOOD_NOTHING
        return named(found, "remark", text) | {"choices": []}
    kind, text = KINDS.get(outcome.kind, "refuse"), outcome.text
    if outcome.dry_run and found.draft.plan_id:
        text = text or DRY_RUN.format(f"/v1/plans/{found.draft.plan_id}/diff")
    told = named(found, kind, text) | {"choices": list(outcome.choices)}
    if outcome.note:
        told["note"] = outcome.note
    if outcome.chosen:
        told |= {"chosen": outcome.chosen, "chosen_by": outcome.chosen_by}
    return told


def named(found: Standing, kind: str, text: str) -> dict[str, Json]:
    """What every one of them has."""
    return {"kind": kind, "draft_id": found.draft.id, "answer": text}


def looked(item: Evidence) -> dict[str, Json]:
    """One result that the answer rests on."""
    return {
        "id": item.id,
        "number": item.number,
        "tool": item.tool,
        "action": item.action,
        "title": item.title,
        "summary": item.summary,
        "facts": dict(item.facts),
        "ok": item.ok,
        "at": bodies.time(item.at),
    }
