"""Starts and wakes workflows; starting the same one twice is one workflow."""

from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from engine.domain.ids import DraftId
from engine.domain.plan import VersionRef
from engine.errors import Unavailable
from engine.workflows.temporal import DraftPlan, DraftRef, ExecutePlan

PATIENCE = timedelta(seconds=5)
AWAY = "The workflow service does not answer; this starts by itself when it is back."


@dataclass(frozen=True, slots=True)
class Starter:
    """Raises `Unavailable` when Temporal does not answer."""

    client: Client
    queue: str

    async def start_draft(self, draft_id: DraftId, epoch: int = 0) -> None:
        """Start the drafting of a request."""
        try:
            await self.client.start_workflow(
                DraftPlan.run,
                DraftRef(draft_id=draft_id, epoch=epoch),
                id=workflow_id(f"draft/{draft_id}", epoch),
                task_queue=self.queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                rpc_timeout=PATIENCE,
            )
        except WorkflowAlreadyStartedError:
            return
        except (RPCError, RuntimeError) as error:
            raise Unavailable("temporal", AWAY) from error

    async def wake(self, ref: VersionRef) -> None:
        """Signal the version's workflow, starting it first where it was never started.

        A workflow that has ended stays ended: its version needs nothing more, or the reconciler
        starts the next epoch.
        """
        try:
            await self.client.start_workflow(
                ExecutePlan.run,
                ref,
                id=workflow_id(str(ref), ref.epoch),
                task_queue=self.queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                start_signal="wake",
                rpc_timeout=PATIENCE,
            )
        except WorkflowAlreadyStartedError:
            return
        except (RPCError, RuntimeError) as error:
            raise Unavailable("temporal", AWAY) from error

    async def lives(self, kind: str, epoch: int) -> bool:
        """Whether the workflow that should be there is there, and is not closed."""
        handle: WorkflowHandle[object, object] = self.client.get_workflow_handle(
            workflow_id(kind, epoch)
        )
        try:
            description = await handle.describe(rpc_timeout=PATIENCE)
        except RuntimeError as error:
            raise Unavailable("temporal", AWAY) from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise Unavailable("temporal", AWAY) from error
        running = (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CONTINUED_AS_NEW)
        return description.status in running


def workflow_id(name: str, epoch: int) -> str:
    """`<name>`, and `<name>/e<epoch>` after a restart from the records."""
    return f"{name}/e{epoch}" if epoch else name
