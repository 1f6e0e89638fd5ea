"""Questions drawn by lot: every action, with facts that are complete and often odd."""

import random
from typing import Any

from engine.domain.actor import ALERTS, GATE, WORKER, Actor, ActorKind, Surface
from engine.domain.context import ContextRef
from engine.domain.execution import Phase
from engine.domain.ids import PersonId, Tenant
from engine.domain.plan import Origin
from engine.domain.policy import DOORS, Deed, Question, Resource
from engine.policy.facts import OPERATIONS
from tests.unit.governing import NOW

PEOPLE = tuple(PersonId(f"p:{name}") for name in ("ann", "bo", "cy", "dana", 'o"x\n'))
PERSON, PROGRAM = (ActorKind.PERSON, ""), (ActorKind.SERVICE, "token:")
NAMED = (PERSON, PERSON, PROGRAM)
GROUPS = ("sre", "shop-owners", "security", "platform", 'odd"group')
ENVIRONMENTS = ("prod", "staging", "dev", "", "eu-prod", "Prod")
SCOPES = ("plan.create", "runbook.read", "execution.operate", "freeze.write", 'odd"scope')
# What has the most rules is asked more often.
MANY = (Deed.PLAN_CREATE, Deed.PLAN_APPROVE, Deed.PLAN_EXECUTE, Deed.TOOL_EXECUTE) * 4
STAGES = ("read-only", "approve-all", "low-auto")
RISKS = ("read", "low", "medium", "high", "unheard of")
FREEZES: tuple[list[dict[str, Any]], ...] = (
    [],
    [],
    [{"kind": "freeze", "text": 'Frozen "now"\n', "until": None}],
    [
        {"kind": "window", "text": "Closed.", "until": "2026-11-22T18:00:00Z"},
        {"kind": "freeze", "text": "Also frozen.", "until": None},
    ],
)
GLASSES = (
    {"reason": "", "ticket": ""},
    {"reason": "too short", "ticket": "OPS-1"},
    {"reason": "checkout is down and nobody can pay", "ticket": ""},
    {"reason": "checkout is down and nobody can pay", "ticket": "OPS-1"},
)
EFFECTS = ("read", "write", "destroy", "other")


class Lot:
    """The same seed, the same questions."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 (no secret is drawn)

    def question(self) -> Question:
        pick = self._random.choice
        deed = pick((*Deed, *MANY))
        return Question(
            actor=self._actor(),
            action=deed,
            context=ContextRef(
                tenant=Tenant(pick(("default", "default", "default", "other"))),
                environment=pick(ENVIRONMENTS),
                service=pick(("checkout", "cart", "")),
            ),
            resources=tuple(self._resource() for _ in range(pick((0, 1, 1, 2)))),
            risk=pick(RISKS),
            time=NOW,
            facts=self._facts(deed),
        )

    def ordinary(self) -> Question:
        """One that may well be allowed."""
        drawn = self.question()
        facts = {**drawn.facts, "stage": "approve-all"}
        return drawn.model_copy(
            update={
                "actor": self._actor().model_copy(update={"tenant": Tenant("default")}),
                "context": ContextRef(environment="prod", service="checkout"),
                "resources": (Resource(kind="tool", name="git.set_value", effect="write"),),
                "risk": "medium",
                "facts": {**facts, "writes": True} if "writes" in facts else facts,
            }
        )

    def _some(self, of: tuple[Any, ...]) -> list[Any]:
        return self._random.sample(of, self._random.randint(0, 2))

    def _actor(self) -> Actor:
        pick = self._random.choice
        if self._random.random() < 0.3:
            return pick((WORKER, GATE, ALERTS))
        kind, named = pick(NAMED)
        return Actor(
            kind=kind,
            id=PersonId(f"{named}{pick(PEOPLE)}"),
            name="Somebody",
            groups=tuple(self._some(GROUPS)),
            scopes=tuple(self._some(SCOPES)),
        )

    def _resource(self) -> Resource:
        pick = self._random.choice
        name = pick(("git.set_value", "shop.sync", "kubectl.get"))
        return Resource(
            kind="tool", name=name, effect=pick(EFFECTS), reversible=pick((True, False))
        )

    def _facts(self, deed: Deed) -> dict[str, Any]:
        if deed in DOORS or deed is Deed.TOOL_READ:
            pick = self._random.choice
            return {"stage": pick(STAGES), "tool": pick(("", "git.log", "git.set_value"))}
        if deed.value.startswith("freeze."):
            pick = self._random.choice
            return {"environment": pick(ENVIRONMENTS), "service": "", "reason": 'odd"\nwords'}
        return {**self._of_a_plan(), **self._of_deed(deed)}

    def _of_a_plan(self) -> dict[str, Any]:
        pick = self._random.choice
        return {
            "stage": pick(STAGES),
            "emoji_max_risk": pick(("none", "low", "medium")),
            "origin": pick(tuple(Origin)).value,
            "requester": pick(PEOPLE),
            "editors": self._some(PEOPLE),
            "writes": pick((True, False)),
            "freeze": pick(FREEZES),
        }

    def _of_deed(self, deed: Deed) -> dict[str, Any]:
        pick = self._random.choice
        started = {
            "approvers": self._some(PEOPLE),
            "people": pick((0, 1, 1, 2)),
            "break_glass": pick((True, False)),
        }
        chosen = {"overrides": pick((True, False)), "requirements": self._requirements()}
        decided = {
            "surface": pick(tuple(Surface)).value,
            "step_up": pick((True, False)),
            "glass": pick(GLASSES),
            "requirements": self._requirements(),
        }
        facts: dict[Deed, dict[str, Any]] = {
            Deed.PLAN_CREATE: {
                "owners": self._some(GROUPS),
                "identity_provider": pick((True, False)),
                "break_glass": pick(("", "checkout is down")),
            },
            Deed.PLAN_EXECUTE: {**started, "complete": pick((True, False))},
            Deed.TOOL_EXECUTE: {
                **started,
                "tool": pick(("git.set_value", "shop.sync", "kubectl.get")),
                "phase": pick(tuple(Phase)).value,
            },
            **dict.fromkeys(OPERATIONS, chosen),
        }
        return facts.get(deed, decided)

    def _requirements(self) -> dict[str, Any]:
        pick = self._random.choice
        return {
            "people": pick((0, 1, 2)),
            "groups": [self._some(GROUPS) for _ in range(pick((0, 1, 2)))],
            "emoji": pick((True, False)),
            "step_up": pick((True, False)),
            "break_glass": pick((True, False)),
            "within_seconds": 3600,
        }
