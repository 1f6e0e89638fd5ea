"""The ids of everything that can be pressed; blocks show them, listeners answer them."""

from engine.domain.execution import Choice

APPROVE = "plan.approve"
REJECT = "plan.reject"
EXPLAIN = "plan.explain"
REJECT_REASON = "plan.reject_reason"
BREAK_GLASS = "plan.break_glass"
GLASS = "plan.glass"
EDIT = "plan.edit"
EDITED = "plan.edited"
DRY_RUN = "plan.dry_run"
CHANGES = "plan.changes"
AGAIN = "plan.again"

SIGN_IN = "sign_in.open"

CONFIRM = "draft.confirm"
DROP = "draft.drop"

DRAFT_FIX = "problem.draft"
ACKNOWLEDGE = "problem.acknowledge"

# One id for each button of a row; more results than these are not shown one by one.
SHOWS = tuple(f"evidence.show.{number}" for number in range(1, 21))
ANSWERS = tuple(f"question.answer.{number}" for number in range(1, 5))

RATE = "rating.give"
RATE_WHY = "rating.why"
RATE_WORDS = "rating.words"

RUNBOOK_SHOWS = tuple(f"runbook.show.{number}" for number in range(1, 5))
RUNBOOK_TURN = "runbook.turn"

# One id for each button of the catalog's row.
WORKFLOW_OPENS = tuple(f"workflow.open.{number}" for number in range(1, 11))
WORKFLOW_STARTED = "workflow.started"

PLAN_FROM_MESSAGE = "plan_from_message"
COMMAND = "/carapulse"

CHOICES: dict[str, Choice] = {f"execution.{choice.value}": choice for choice in Choice}
