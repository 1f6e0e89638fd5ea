"""Whether a version may run: what is stored is what was shown, and enough people signed it."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from engine.domain.actor import GATE, Surface
from engine.domain.approval import Signed, Statement, Verdict
from engine.domain.call import Call
from engine.domain.digest import check, outputs_digest
from engine.domain.execution import Choice, Decision, Execution, StepRecord, StepState
from engine.domain.ids import PersonId
from engine.domain.override import SignedOverride, overriding
from engine.domain.plan import PlanVersion, Step
from engine.domain.quorum import Quorum, concerns, count
from engine.errors import Invalid, NotAllowed, NotFound, Tampered
from engine.ports import Tools, Unit, Verifier


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
        signed = await unit.approvals.of(version.plan_id, version.version)
        quorum = self.standing(version, signed)
        audited = await unit.audit.nonces(version.plan_id, version.version)
        if not audited <= {one.statement.nonce for one in signed}:
            raise Tampered(told(version, "a decision on it was removed"))
        if quorum.rejected_by is not None:
            raise NotAllowed(f"v{version.version} was rejected, so it can't run.")
        if not quorum.complete:
            raise NotAllowed(
                f"v{version.version} has {quorum.have} of {quorum.need} approvals, "
                "so it can't run yet."
            )
        return list(quorum.approvers)

    async def verify_to_start(self, unit: Unit, version: PlanVersion) -> list[PersonId]:
        """The same before it starts: a record that says "approved" can lie.

        Raises `Tampered` also where the approvals don't carry that state, where a later version
        was hidden, and where this one was started before.
        """
        try:
            approvers = await self.verify_version(unit, version)
        except NotAllowed as error:
            raise Tampered(told(version, f"it is marked as approved, and {error}")) from None
        if await unit.plans.newest(version.plan_id) != version.version:
            raise Tampered(told(version, "a later version replaced it"))
        if await unit.executions.start_of(version.plan_id, version.version) is not None:
            raise Tampered(told(version, "it was started before"))
        return approvers

    async def verify_started(
        self, unit: Unit, version: PlanVersion, execution: Execution
    ) -> list[PersonId]:
        """The same while it runs: it was started once, in time, and its steps are those approved.

        Raises `Tampered`, or `NotAllowed` as `verify_version` does.
        """
        approvers = await self.verify_version(unit, version)
        started = await unit.executions.start_of(version.plan_id, version.version)
        if started is None or started.execution_id != execution.id:
            raise Tampered(told(version, "no start of this execution is recorded"))
        if started.at >= version.start_before:
            raise Tampered(told(version, "it was started after its time"))
        verify_steps(version, execution)
        await self._verify_skipped(unit, version, execution)
        await self._verify_outputs(unit, version, execution)
        return approvers

    async def _verify_skipped(self, unit: Unit, version: PlanVersion, execution: Execution) -> None:
        """What was left out before a further change was so by a signed choice of a person."""
        left_out = [
            step.number
            for step in execution.steps
            if step.state is StepState.SKIPPED and overriding(version, Choice.SKIP, step.number)
        ]
        if not left_out:
            return
        signed = [readable(one) for one in await unit.executions.overrides(execution.id)]
        for number in left_out:
            if not any(self._overrode(one, version, execution, number) for one in signed):
                raise Tampered(told(version, f"step {number} was left out, and nobody signed that"))

    def verify_override(
        self, version: PlanVersion, execution: Execution, number: int, decision: Decision
    ) -> None:
        """A choice that overrides what was approved is acted on when the gate signed just it.

        Raises `Tampered`.
        """
        signed = readable(decision.signed)
        genuine = (
            signed is not None
            and self._overrode(signed, version, execution, number)
            and (signed.statement.choice, signed.statement.person)
            == (decision.choice, decision.person)
        )
        if not genuine:
            what = f"{decision.choice.value} of step {number} was put there, and nobody signed that"
            raise Tampered(told(version, what))

    def _overrode(
        self,
        signed: SignedOverride | None,
        version: PlanVersion,
        execution: Execution,
        number: int,
    ) -> bool:
        """Whether it is genuine, and about this attempt of this step."""
        if signed is None or not self.verifier.overrode(signed):
            return False
        said = signed.statement
        return (said.tenant, said.plan_id, said.version, said.digest) == (
            version.tenant,
            version.plan_id,
            version.version,
            version.digest,
        ) and (said.execution_id, said.step, said.attempt) == (
            execution.id,
            number,
            execution.step(number).attempt,
        )

    async def _verify_outputs(self, unit: Unit, version: PlanVersion, execution: Execution) -> None:
        """What later steps refer to is what a worker recorded, and told the audit, once."""
        told_of = [step for step in execution.steps if step.outputs]
        if not told_of:
            return
        audited = await unit.audit.outputs(execution.id)
        for step in told_of:
            if audited.get(step.number) != {outputs_digest(step.outputs)}:
                raise Tampered(
                    told(version, f"the recorded results of step {step.number} were changed")
                )

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
            raise Tampered(told(version, "a decision on it has a signature that is not ours"))
        if not concerns(signed.statement, version):
            raise Tampered(told(version, "a decision on it was made about something else"))
        return signed.statement


def readable(signed: str) -> SignedOverride | None:
    """What is stored of an override; None where it is none of ours."""
    try:
        return SignedOverride.model_validate_json(signed)
    except ValidationError:
        return None


def refuse_revived(version: PlanVersion, quorum: Quorum) -> None:
    """What somebody ended does not wait, whatever its state says. Raises `Tampered`."""
    if quorum.rejected_by is not None:
        raise Tampered(told(version, "it was rejected, and its state says that it waits"))


def loaded(tools: Tools, call: Call) -> bool:
    """Whether a definition that this process has read from its own files makes just this call."""
    try:
        return tools.rerender(call, tools.definition(call.definition)) == call
    except (NotFound, Invalid):
        return False


def refuse_unknown(version: PlanVersion, genuine: Callable[[Call], bool]) -> None:
    """What nobody looks at is made by definitions of our own alone. Raises `Tampered`.

    A person sees each call on the card; here a plan and a definition could both have been put into
    the database by hand.
    """
    for step in version.steps:
        probes = [probe.call for probe in (step.probe, step.rollback_probe) if probe]
        looks = [step.relies.call] if step.relies else []
        calls = [step.call, *probes, *looks, *([step.rollback] if step.rollback else [])]
        if not all(genuine(call) for call in calls):
            raise Tampered(told(version, f"step {step.number} comes from no tool of ours"))


def verify_steps(version: PlanVersion, execution: Execution) -> None:
    """The execution's copies of the steps say what was approved. Raises `Tampered`."""
    same = [step.number for step in execution.steps] == [one.number for one in version.steps]
    if not same or not all(map(_copied, execution.steps, version.steps)):
        raise Tampered(told(version, "the steps of its execution are not those approved"))


def told(version: PlanVersion, what: str) -> str:
    """The sentence for the thread."""
    return f"{version.reference} v{version.version} can't run: {what}. Nothing of it runs."


def _copied(record: StepRecord, step: Step) -> bool:
    """Whether the execution's copy of a step says what the approved step says."""
    return (record.kind, record.title, record.effect, record.has_rollback) == (
        step.kind,
        step.title,
        step.effect,
        step.rollback is not None,
    )


def _refuse_repeats(version: PlanVersion, statements: list[Statement]) -> None:
    nonces = [statement.nonce for statement in statements]
    if len(set(nonces)) != len(nonces) or not all(nonces):
        raise Tampered(told(version, "a decision on it is stored twice"))


def _automatic(version: PlanVersion, statements: list[Statement]) -> Quorum:
    """What needs nobody is released by the gate, which signs for it."""
    counted = count(version, statements)
    released = any(
        one.surface is Surface.AUTO and one.person == GATE.id and one.verdict is Verdict.APPROVE
        for one in statements
    )
    return counted.model_copy(update={"complete": released and counted.rejected_by is None})
