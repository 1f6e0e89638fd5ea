"""Complete outputs for people and programs: what there is, and links for a while."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.domain.actor import Actor, ActorKind
from engine.domain.artifact import Artifact, ArtifactState, Kept
from engine.domain.audit import AuditEvent
from engine.domain.ids import ArtifactId, ExecutionId, PersonId, Tenant
from engine.domain.model import Model
from engine.errors import Invalid, NotAllowed, NotFound, Unavailable
from engine.ports import Clock, Files, Links, Store, Unit

WRONG_LINK = "This link is not one of ours, or it is over. Ask for a new one."
REASON_AT_MOST = 500
PROGRAMS = ("service:", "token:", "cli:")


class Link(Model):
    """Where a file can be had until then, by whoever `actor` names."""

    artifact_id: ArtifactId
    actor: str
    until: int
    key_id: str
    signature: str


@dataclass(frozen=True, slots=True)
class Downloads:
    """Without `files` nothing was kept; without `links` nothing is handed out by a link."""

    store: Store
    clock: Clock
    tenant: Tenant
    files: Files | None = None
    links: Links | None = None
    seconds: int = 300

    async def get(self, artifact_id: str) -> Artifact:
        """Raises `NotFound`."""
        async with self.store.begin() as unit:
            return await unit.artifacts.get(artifact_id)

    async def of_execution(self, execution_id: ExecutionId) -> list[Artifact]:
        """Outputs of its calls first, then of the looks that its plan came from."""
        async with self.store.begin() as unit:
            execution = await unit.executions.get(execution_id)
            version = await unit.plans.version(execution.plan_id, execution.version)
            evidence = await unit.drafts.evidence_by_id(version.evidence)
            drafts = list(dict.fromkeys(one.draft_id for one in evidence))
            cited = {(one.draft_id, one.number) for one in evidence}
            looks = await unit.artifacts.of_drafts(drafts)
            calls = await unit.artifacts.of_execution(execution_id)
        return [
            *calls,
            *(one for one in looks if (one.source.draft_id, one.source.number) in cited),
        ]

    def link(self, artifact: Artifact, actor: Actor) -> Link | None:
        """A link for this actor; None where there is nothing to be had by one."""
        if self.links is None or artifact.state is not ArtifactState.STORED:
            return None
        until = int((self.clock() + timedelta(seconds=self.seconds)).timestamp())
        key_id, signature = self.links.signed(self._claim(artifact.id, actor.id, until))
        return Link(
            artifact_id=artifact.id,
            actor=actor.id,
            until=until,
            key_id=key_id,
            signature=signature,
        )

    async def opened(self, link: Link) -> tuple[Artifact, AsyncIterator[bytes]]:
        """What a link leads to; told in the audit.

        Raises:
            NotAllowed: it is not ours, was altered, or is over.
            NotFound: the file was purged.
            Unavailable: the store does not answer, or does not have it yet.
        """
        claim = self._claim(link.artifact_id, link.actor, link.until)
        if self.links is None or not self.links.holds(claim, link.key_id, link.signature):
            raise NotAllowed(WRONG_LINK)
        if self.clock() >= datetime.fromtimestamp(link.until, UTC):
            raise NotAllowed(WRONG_LINK)
        found = await self.content(link.artifact_id)
        async with self.store.begin() as unit:
            await self._audit(unit, named(link.actor), "artifact.download", link.artifact_id, "")
        return found

    async def content(self, artifact_id: str) -> tuple[Artifact, AsyncIterator[bytes]]:
        """The same for whoever needs no link."""
        artifact = await self.get(artifact_id)
        if artifact.state is ArtifactState.PURGED:
            raise NotFound("This file was purged: it was older than files are kept here.")
        if self.files is None:
            raise NotFound("No artifact store is configured here.")
        if artifact.state is not ArtifactState.STORED:
            raise Unavailable(
                "artifacts",
                f"The file is still on its worker {artifact.worker} and comes to the artifact "
                "store by itself. Try again shortly.",
            )
        return artifact, self.files.read(artifact.key)

    async def keep(self, execution_id: ExecutionId, actor: Actor, reason: str) -> None:
        """Nothing of it is purged from now on. Raises `Invalid` without a reason."""
        if not reason.strip() or len(reason) > REASON_AT_MOST:
            raise Invalid("Say why it is to be kept.", {"reason": "is needed, in few words"})
        kept = Kept(reason=reason.strip(), person=actor.id, person_name=actor.name, at=self.clock())
        async with self.store.begin() as unit:
            await unit.executions.lock(execution_id)
            await unit.artifacts.keep(execution_id, kept)
            await self._audit(unit, actor, "artifact.keep", execution_id, kept.reason)

    async def release(self, execution_id: ExecutionId, actor: Actor) -> None:
        """Files of it are purged again when they are old enough."""
        async with self.store.begin() as unit:
            await unit.executions.lock(execution_id)
            await unit.artifacts.release(execution_id)
            await self._audit(unit, actor, "artifact.release", execution_id, "")

    async def _audit(
        self, unit: Unit, actor: Actor, action: str, subject: str, reason: str
    ) -> None:
        await unit.audit.record(
            AuditEvent(actor=actor, action=action, subject=subject, decision="done", reason=reason)
        )

    def _claim(self, artifact_id: str, actor: str, until: int) -> str:
        """What a link's signature is about; a line holds no line end."""
        return "\n".join([self.tenant, artifact_id, actor.replace("\n", " "), str(until)])


def named(actor_id: str) -> Actor:
    """Whom a link was given to."""
    kind = ActorKind.SERVICE if actor_id.startswith(PROGRAMS) else ActorKind.PERSON
    return Actor(kind=kind, id=PersonId(actor_id), name=actor_id)
