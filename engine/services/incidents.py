"""What happens in PagerDuty shows where it is talked about; an incident of others is a problem."""

from dataclasses import dataclass

from engine.domain.actor import PAGERDUTY
from engine.domain.conversation import PostKind
from engine.domain.incident import Incident
from engine.domain.page import OURS, PageRow
from engine.domain.problem import Alert, AlertStatus, Problem
from engine.ports import Services, Store, Unit
from engine.services.alerts import Alerts, event, note

SAID = {
    "incident.acknowledged": "acknowledged it in PagerDuty",
    "incident.unacknowledged": "no longer acknowledges it in PagerDuty",
    "incident.resolved": "resolved it in PagerDuty",
    "incident.reopened": "reopened it in PagerDuty",
    "incident.escalated": "escalated it in PagerDuty",
    "incident.reassigned": "reassigned it in PagerDuty",
}
BEGINS, ENDS = "incident.triggered", "incident.resolved"
FIRES = frozenset({BEGINS, "incident.reopened"})
LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Incidents:
    """`service` of an incident counts where the service graph knows that name."""

    store: Store
    alerts: Alerts
    services: Services

    async def receive(self, incident: Incident) -> str:
        """Show it once, whose thread it belongs to; what became of it."""
        async with self.store.begin() as unit:
            page = await unit.pages.of_key(incident.key) if incident.key else None
            if page:
                return await self._told_of(unit, page, incident)
            if incident.key.startswith(OURS):
                return "a page that is not known"
            if await late(unit, incident):
                return "over already"
            problem = await self._problem(unit, incident)
            own = problem is not None and by_fingerprint(problem, incident)
            if problem and await unit.inbox.once("pagerduty.event", incident.event):
                await self._told(unit, problem, incident)
        return await self._merged(incident) if problem is None or own else "joined"

    async def _merged(self, incident: Incident) -> str:
        """An incident that nothing else told us of is an alert, as an Alertmanager's is."""
        over = incident.status == "resolved"
        if not over and incident.kind not in FIRES:
            return "nothing fires"
        await self.alerts.take([self._alert(incident, over=over)])
        return "merged"

    async def _told_of(self, unit: Unit, page: PageRow, incident: Incident) -> str:
        """Our own page: its thread hears who looks after it, and nothing is decided by that."""
        text = said(incident)
        if not text or not await unit.inbox.once("pagerduty.event", incident.event):
            return "nothing to say"
        version = await unit.plans.version(page.plan_id, page.version)
        conversation = await unit.conversations.get(version.conversation_id)
        await unit.posts.want(
            PostKind.NOTE,
            page.key,
            conversation.place,
            body={"text": f"{page.page.summary} {text}"},
        )
        return "told"

    async def _told(self, unit: Unit, problem: Problem, incident: Incident) -> None:
        """The problem's thread hears it; who acknowledged first looks after it."""
        if not (text := said(incident)):
            return
        await unit.problems.lock_key(problem.key)
        fresh = await unit.problems.get(problem.id)
        if incident.kind == "incident.acknowledged" and not fresh.acknowledged_by:
            who = f"{incident.by or 'Somebody'} (PagerDuty)"
            changed = fresh.model_copy(update={"acknowledged_by": who})
            await unit.problems.save(changed)
            await unit.posts.touch(problem.id, urgent=True)
            await unit.audit.record(event(PAGERDUTY, "problem.acknowledge", changed))
        await note(unit, fresh, text)

    async def _problem(self, unit: Unit, incident: Incident) -> Problem | None:
        """The problem that fires under this name for this service, or was made of it before."""
        service = self.services.resolve(incident.service) or ""
        for problem in await unit.problems.firing(LOOKED_AT):
            same = problem.title == incident.name and problem.context.service == service
            if same or by_fingerprint(problem, incident):
                return problem
        return None

    def _alert(self, incident: Incident, *, over: bool) -> Alert:
        service = self.services.resolve(incident.service) or ""
        severity = "critical" if incident.urgency == "high" else "warning"
        labels = {"alertname": incident.name, "severity": severity, "source": "pagerduty"}
        return Alert(
            fingerprint=incident.fingerprint,
            status=AlertStatus.RESOLVED if over else AlertStatus.FIRING,
            name=incident.name,
            labels={**labels, **({"service": service} if service else {})},
            starts_at=incident.at,
            ends_at=incident.at if over else None,
        )


async def late(unit: Unit, incident: Incident) -> bool:
    """Whether its beginning arrives after its end, as a delivery that was made again does."""
    if incident.kind not in (BEGINS, ENDS):
        return False
    kind = incident.kind.encode()
    first = await unit.inbox.first("pagerduty.incident", incident.id, kind)
    return incident.kind == BEGINS and first == ENDS.encode()


def by_fingerprint(problem: Problem, incident: Incident) -> bool:
    """Whether this very incident is one of its alerts."""
    return any(alert.fingerprint == incident.fingerprint for alert in problem.alerts)


def said(incident: Incident) -> str:
    """`Ann acknowledged it in PagerDuty (incident 12).`; empty for what needs no words."""
    deed = SAID.get(incident.kind)
    number = f" (incident {incident.number})" if incident.number else ""
    return f"{incident.by or 'Somebody'} {deed}{number}." if deed else ""
