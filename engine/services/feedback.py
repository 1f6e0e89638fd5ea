"""How good answers and plans were, kept for whoever improves them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.domain.actor import Actor
from engine.domain.draft import Draft, Evidence, Outcome
from engine.domain.feedback import Rating, Thumb
from engine.domain.ids import DraftId, PlanId, Tenant, new_id
from engine.domain.model import Model
from engine.domain.plan import PlanVersion
from engine.domain.text import storable
from engine.errors import Invalid, NotFound
from engine.ports import Clock, Store, Unit

LONGEST = 2000
ANSWER, PLAN = "answer", "plan"


class Rated(Model):
    """A rating with what it is about: enough to try the same request again."""

    rating: Rating
    draft: Draft | None = None
    evidence: tuple[Evidence, ...] = ()
    outcome: Outcome | None = None
    version: PlanVersion | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """Each person has one verdict on a thing, which may change."""

    store: Store
    clock: Clock
    tenant: Tenant

    async def rate(self, actor: Actor, subject: str, verdict: Thumb, words: str = "") -> Rating:
        """Keep a verdict. Words that are given once stay when the same verdict is given again.

        Raises:
            Invalid: that is no subject.
            NotFound: there is no such answer or plan.
        """
        async with self.store.begin() as unit:
            await self._subject(unit, subject)
            before = await unit.ratings.of(subject, actor.id)
            kept = before.words if before and before.verdict is verdict and not words else ""
            rating = Rating(
                id=before.id if before else new_id(),
                tenant=self.tenant,
                subject=subject,
                person=actor.id,
                person_name=actor.name,
                verdict=verdict,
                words=storable(words)[:LONGEST] or kept,
                at=self.clock(),
            )
            await unit.ratings.give(rating)
        return rating

    async def export(
        self, verdict: Thumb | None = None, *, since: datetime | None = None, limit: int = 1000
    ) -> Sequence[Rated]:
        """The newest ratings with what they are about; what is gone is left out."""
        found: list[Rated] = []
        async with self.store.begin() as unit:
            for rating in await unit.ratings.listed(verdict, since=since, limit=limit):
                try:
                    found.append(await self._rated(unit, rating))
                except NotFound:
                    continue
        return found

    async def _rated(self, unit: Unit, rating: Rating) -> Rated:
        kind, subject = await self._subject(unit, rating.subject)
        if kind == ANSWER:
            draft_id = DraftId(subject)
            return Rated(
                rating=rating,
                draft=await unit.drafts.get(draft_id),
                evidence=tuple(await unit.drafts.evidence(draft_id)),
                outcome=await unit.drafts.outcome(draft_id),
            )
        plan_id, _, number = subject.partition(":")
        version = await unit.plans.version(PlanId(plan_id), int(number))
        evidence = await unit.drafts.evidence_by_id(version.evidence)
        return Rated(rating=rating, version=version, evidence=tuple(evidence))

    async def _subject(self, unit: Unit, subject: str) -> tuple[str, str]:
        kind, _, rest = subject.partition(":")
        plan_id, _, number = rest.partition(":")
        if kind == ANSWER and rest:
            await unit.drafts.get(DraftId(rest))
        elif kind == PLAN and number.isdigit():
            await unit.plans.version(PlanId(plan_id), int(number))
        else:
            raise Invalid("That can't be rated.")
        return kind, rest
