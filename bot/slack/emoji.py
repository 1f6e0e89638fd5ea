"""Which emoji decide, whatever their skin tone or alias."""

from engine.domain.approval import Verdict

APPROVING = frozenset({"+1", "thumbsup", "white_check_mark", "heavy_check_mark", "approved"})
REJECTING = frozenset({"-1", "thumbsdown", "x", "negative_squared_cross_mark"})


def verdict_of(reaction: str) -> Verdict | None:
    """`+1::skin-tone-3` approves, `x` rejects; None for everything else."""
    name = reaction.split("::", 1)[0]
    if name in APPROVING:
        return Verdict.APPROVE
    return Verdict.REJECT if name in REJECTING else None
