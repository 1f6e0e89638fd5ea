"""The ids of everything that can be pressed; blocks show them, listeners answer them."""

from engine.domain.execution import Choice

APPROVE = "plan.approve"
REJECT = "plan.reject"
EXPLAIN = "plan.explain"
REJECT_REASON = "plan.reject_reason"

CONFIRM = "draft.confirm"
DROP = "draft.drop"

DRAFT_FIX = "problem.draft"
ACKNOWLEDGE = "problem.acknowledge"

PLAN_FROM_MESSAGE = "plan_from_message"
COMMAND = "/carapulse"

CHOICES: dict[str, Choice] = {f"execution.{choice.value}": choice for choice in Choice}
