"""What people are paged for: its reason, and how far it has gone."""

from engine.domain.ids import PlanId
from engine.domain.model import Model

# How keys of ours begin outside.
OURS = "carapulse:"
TRIGGERED, ACKNOWLEDGED, RESOLVED = 1, 2, 3


class Page(Model):
    """What whoever is paged reads; `severity` is critical, error or warning."""

    summary: str
    severity: str
    component: str = ""
    environment: str = ""
    reason: str = ""


class PageRow(Model):
    """A page as it is kept. `key` is our reference and names it outside; stages count 1 to 3."""

    key: str
    plan_id: PlanId
    version: int
    page: Page
    wanted: int = TRIGGERED
    sent: int = 0
