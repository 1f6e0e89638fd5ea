"""Whether a version may run: what is stored is what was shown, and enough people signed it."""

from dataclasses import dataclass

from engine.domain.actor import GATE, Surface
from engine.domain.approval import Signed, Statement, Verdict
from engine.domain.digest import check
from engine.domain.ids import PersonId
from engine.domain.plan import PlanVersion
from engine.domain.quorum import Quorum, concerns, count
from engine.errors import NotAllowed, Tampered
from engine.ports import Unit, Verifier


@dataclass(frozen=True, slots=True)
class Authority:
    """Needs public keys only, so a worker can hold it. Nothing is believed that is not signed."""

    verifier: Verifier

    async def verify_version(self, unit: Unit, version: PlanVersion) -> list[PersonId]:
        """Check digest, signatures, statements and quorum of a version as it was just read.

        Returns who approved.

        Raises:
            Tampered: something stored is not what was signed or shown.
            NotAllowed: it is genuine, but not approved by enough people, or rejected.
        """
        quorum = self.standing(version, await unit.approvals.of(version.plan_id, version.version))
        if quorum.rejected_by is not None:
            raise NotAllowed(f"v{version.version} was rejected, so it can't run.")
        if not quorum.complete:
            raise NotAllowed(
                f"v{version.version} has {quorum.have} of {quorum.need} approvals, "
                "so it can't run yet."
            )
        return list(quorum.approvers)

    def standing(self, version: PlanVersion, signed: list[Signed]) -> Quorum:
        """Where a version stands by what is signed. Raises `Tampered`."""
        check(version)
        statements = [self._genuine(version, one) for one in signed]
        _refuse_repeats(version, statements)
        if version.requirements.people > 0 or version.requirements.groups:
            by_people = [one for one in statements if one.surface is not Surface.AUTO]
            return count(version, by_people)
        return _automatic(version, statements)

    def _genuine(self, version: PlanVersion, signed: Signed) -> Statement:
        if not self.verifier.verify(signed):
            raise Tampered(_told(version, "a decision on it has a signature that is not ours"))
        if not concerns(signed.statement, version):
            raise Tampered(_told(version, "a decision on it was made about something else"))
        return signed.statement


def _refuse_repeats(version: PlanVersion, statements: list[Statement]) -> None:
    nonces = [statement.nonce for statement in statements]
    if len(set(nonces)) != len(nonces) or not all(nonces):
        raise Tampered(_told(version, "a decision on it is stored twice"))


def _automatic(version: PlanVersion, statements: list[Statement]) -> Quorum:
    """What needs nobody is released by the gate, which signs for it."""
    counted = count(version, statements)
    released = any(
        one.surface is Surface.AUTO and one.person == GATE.id and one.verdict is Verdict.APPROVE
        for one in statements
    )
    return counted.model_copy(update={"complete": released and counted.rejected_by is None})


def _told(version: PlanVersion, what: str) -> str:
    return f"{version.reference} v{version.version} can't run: {what}. Nothing was started."
