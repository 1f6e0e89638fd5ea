"""When the model fails, the planner without a model drafts, and says so."""

from collections.abc import Sequence

from engine.domain.draft import Briefing, Outcome, OutcomeKind, Reading
from engine.errors import DraftFailed, Unavailable
from engine.llm.exchange import ModelRefused, OverBudget
from engine.ports import Planner

SILENT = "The language model does not answer"
UNUSABLE = "The language model gave no usable draft"
REFUSED = "The language model refused"


class FallbackPlanner:
    """The `Planner` port over two others; the second needs nothing from outside."""

    def __init__(self, first: Planner, offline: Planner) -> None:
        self.name = first.name
        self._first = first
        self._offline = offline

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        try:
            return await self._first.readings(briefing)
        except (Unavailable, DraftFailed):
            return await self._offline.readings(briefing)

    async def plan(self, briefing: Briefing) -> Outcome:
        """Raises `DraftFailed` when neither can draft; it tells what happened to the model."""
        try:
            return await self._first.plan(briefing)
        except (Unavailable, DraftFailed) as error:
            return await self._without(briefing, error)

    async def _without(self, briefing: Briefing, error: Unavailable | DraftFailed) -> Outcome:
        try:
            outcome = await self._offline.plan(briefing)
        except DraftFailed as second:
            raise DraftFailed(f"{error} {second}") from error
        return outcome.model_copy(update={"note": _note(_happened(error), outcome)})


def _happened(error: Unavailable | DraftFailed) -> str:
    """What became of the model, as the beginning of a sentence."""
    if isinstance(error, OverBudget):
        return str(error).rstrip(".")
    if isinstance(error, ModelRefused):
        return REFUSED
    return SILENT if isinstance(error, Unavailable) else UNUSABLE


def _note(happened: str, outcome: Outcome) -> str:
    if outcome.kind is OutcomeKind.REMARK:
        return ""
    if outcome.proposal and outcome.proposal.used:
        return f"{happened}; this draft comes from the playbook *{outcome.proposal.used[0]}*."
    return f"{happened}; this answer is made without it."
