"""The workflows on Temporal. They decide nothing: the records do, through `next_move`.

Replayed from history after every restart, so: no clock, network, randomness or settings, and no
change to the order of commands without `workflow.patched`.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from engine.domain.ids import DraftId
    from engine.domain.model import Model
    from engine.domain.move import Move, StepRequest
    from engine.domain.plan import VersionRef
    from engine.workflows.activities import DraftActivities, ExecutionActivities, ToolActivities
    from engine.workflows.flows import carry_out, draft

# A component that does not answer is asked again soon, for as long as it takes.
PATIENT = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=5),
)
# A worker beats every 3 s; one that is silent for this long is taken for dead.
SILENCE = timedelta(seconds=10)
# Where no runner has taken a call in this time, the records are asked again.
UNCLAIMED = timedelta(seconds=15)
MOVES_PER_HISTORY = 200
AGAIN = 5.0


class DraftRef(Model):
    """The argument of `DraftPlan`."""

    draft_id: DraftId
    epoch: int = 0


@workflow.defn
class DraftPlan:
    """From a request to a plan version, an answer or a question."""

    @workflow.run
    async def run(self, ref: DraftRef) -> None:
        """Look, then propose."""
        await draft(self, ref.draft_id)

    async def look(self, draft_id: DraftId) -> None:
        """Read-only calls; repeated when a worker dies."""
        await workflow.execute_activity_method(
            DraftActivities.look,
            draft_id,
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=SILENCE,
            retry_policy=PATIENT,
        )

    async def propose(self, draft_id: DraftId) -> None:
        """The planner's answer, acted on."""
        await workflow.execute_activity_method(
            DraftActivities.propose,
            draft_id,
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=SILENCE,
            retry_policy=PATIENT,
        )


@workflow.defn
class ExecutePlan:
    """Wait for a version's approval, then carry it out; expiry and reminders are its timers."""

    @workflow.init
    def __init__(self, ref: VersionRef) -> None:
        self._ref = ref
        self._woken = False

    @workflow.run
    async def run(self, ref: VersionRef) -> None:
        """One history holds a bounded number of moves; then it continues as a new one."""
        if not await carry_out(self, ref, moves=MOVES_PER_HISTORY):
            workflow.continue_as_new(ref)

    @workflow.signal
    def wake(self) -> None:
        """Something changed in the records; look again."""
        self._woken = True

    async def next_move(self, ref: VersionRef) -> Move:
        """A short transaction, on the worker that runs this workflow."""
        self._woken = False
        return await workflow.execute_local_activity_method(
            ExecutionActivities.next_move,
            ref,
            start_to_close_timeout=timedelta(seconds=15),
            retry_policy=PATIENT,
        )

    async def perform(self, request: StepRequest) -> None:
        """Hand the call to a worker.

        A call whose worker died is handed out again; its row is claimed already, so the second
        worker makes nothing and the lease tells the rest.
        """
        try:
            await workflow.execute_activity_method(
                ToolActivities.perform,
                request,
                task_queue=request.queue or None,
                schedule_to_start_timeout=UNCLAIMED if request.queue else None,
                start_to_close_timeout=timedelta(seconds=request.timeout_seconds),
                heartbeat_timeout=SILENCE,
                retry_policy=PATIENT,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("a call was not made: %s", error.cause)
            await self.wait(AGAIN)

    async def wait(self, seconds: float) -> None:
        """Until a signal, or the time given."""
        try:
            await workflow.wait_condition(lambda: self._woken, timeout=seconds)
        except TimeoutError:
            return
