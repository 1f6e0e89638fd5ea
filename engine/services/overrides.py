"""Skip and Mark done before a further change: by people as the directory knows them, and signed."""

import secrets
from dataclasses import dataclass

from engine.domain.actor import Actor, ActorKind
from engine.domain.execution import Decision
from engine.domain.override import Override
from engine.domain.plan import PlanVersion
from engine.domain.policy import Ruling
from engine.errors import NotAllowed
from engine.ports import Directory, Signer

NOT_HERE = "Only people override what was approved, in chat or with a token of their own."


@dataclass(frozen=True, slots=True)
class Overrides:
    """The part of the gate that signs them; only its process has the key."""

    directory: Directory
    signer: Signer

    async def person(self, actor: Actor) -> Actor:
        """The person with the groups of the directory. Raises `NotAllowed` for anybody else."""
        known = await self.directory.by_id(actor.id) if actor.kind is ActorKind.PERSON else None
        if known is None or known.tenant != actor.tenant:
            raise NotAllowed(NOT_HERE)
        return known

    def sign(
        self, decision: Decision, version: PlanVersion, *, attempt: int, ruling: Ruling
    ) -> Decision:
        """The decision with what a worker asks for before it acts on it."""
        statement = Override(
            tenant=version.tenant,
            plan_id=version.plan_id,
            version=version.version,
            digest=version.digest,
            execution_id=decision.execution_id,
            step=decision.step or 0,
            attempt=attempt,
            choice=decision.choice,
            person=decision.person,
            person_name=decision.person_name,
            policy_decision=ruling.id,
            at=decision.at,
            nonce=secrets.token_hex(16),
            key_id=self.signer.key_id,
        )
        signed = self.signer.override(statement).model_dump_json()
        return decision.model_copy(update={"signed": signed})
