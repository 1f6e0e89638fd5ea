"""What stands behind an answer: its results, its pictures, and what can be asked here."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.domain.charts import Chart, charts
from engine.domain.conversation import Place
from engine.domain.draft import Evidence
from engine.domain.graph import Graph, around
from engine.domain.ids import DraftId, EvidenceId
from engine.domain.model import Json
from engine.errors import NotFound
from engine.ports import Services, Store

EXAMPLES = 4


@dataclass(frozen=True, slots=True)
class Answers:
    """Reads only."""

    store: Store
    services: Services

    async def result(self, evidence_id: EvidenceId, place: Place) -> Evidence:
        """One result, for whoever reads the thread that it was found for.

        Raises:
            NotFound: there is none, or it belongs to another channel.
        """
        async with self.store.begin() as unit:
            found = await unit.drafts.evidence_by_id([evidence_id])
            if not found:
                raise NotFound("This result is not kept any more.")
            draft = await unit.drafts.get(found[0].draft_id)
            conversation = await unit.conversations.get(draft.conversation_id)
        if conversation.place.channel != place.channel:
            raise NotFound("This result belongs to another channel.")
        return found[0]

    async def charts(self, draft_id: DraftId) -> Sequence[Chart]:
        """The courses of numbers that were read for a request."""
        async with self.store.begin() as unit:
            return charts(await unit.drafts.evidence(draft_id))

    def graph(self, service: str) -> Graph | None:
        """What depends on a service and what it depends on; None where nothing does either."""
        if self.services.resolve(service) is None:
            return None
        needs = {name: listed(self.services.entry(name)) for name in self.services.names()}
        found = around(service, needs)
        return found if found.edges else None

    def examples(self) -> list[str]:
        """Sentences that work here, from a question to a change, about the best known service."""
        name = self.best_known()
        if not name:
            return []
        entry = self.services.entry(name)
        places = entry.get("places") or []
        environment = (
            str(places[0]).partition("/")[0] if isinstance(places, list) and places else ""
        )
        where = f" in {environment}" if environment else ""
        found = [f"is {name} healthy?"] if entry.get("health") else []
        found += [f"what changed in {name}?"] if entry.get("gitops") else []
        found += [f"what depends on {name}?"] if self.services.dependants(name) else []
        found += (
            [f"roll back the last config change of {name}{where}"] if entry.get("gitops") else []
        )
        return found[:EXAMPLES]

    def best_known(self) -> str:
        """The service that most is known of; empty when there is none."""

        def known(name: str) -> tuple[int, int]:
            entry = self.services.entry(name)
            parts = sum(bool(entry.get(part)) for part in ("gitops", "health", "metrics"))
            return parts, len(self.services.dependants(name))

        return max(self.services.names(), key=known, default="")


def listed(entry: dict[str, Json]) -> tuple[str, ...]:
    """What a service needs."""
    needs = entry.get("depends_on")
    return tuple(str(each) for each in needs) if isinstance(needs, list) else ()
