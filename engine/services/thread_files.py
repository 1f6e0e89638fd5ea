"""Complete outputs as files in the thread, where the log there shows parts of them alone."""

from engine.domain.artifact import Artifact, ArtifactState
from engine.domain.conversation import Place, PostKind
from engine.domain.ids import ExecutionId
from engine.domain.model import Json
from engine.ports import Unit

# From this size on what the log left out is worth a file.
WORTH_A_FILE = 16 * 1024
FILES_AT_MOST = 10


async def want_late(unit: Unit, artifact: Artifact) -> None:
    """What the store gets after the end of its execution comes into the thread now."""
    execution_id = artifact.source.execution_id
    if execution_id is None or artifact.unseen < WORTH_A_FILE:
        return
    execution = await unit.executions.lock(execution_id)
    if not execution.state.ended:
        return
    version = await unit.plans.version(execution.plan_id, execution.version)
    conversation = await unit.conversations.get(version.conversation_id)
    body: dict[str, Json] = {"artifact": artifact.id}
    await unit.posts.want(PostKind.FILE, execution_id, conversation.place, body=body)


async def want_files(unit: Unit, execution_id: ExecutionId, place: Place) -> None:
    """At its end: the complete outputs of which the log shows parts alone, the largest first."""
    every = await unit.artifacts.of_execution(execution_id)
    worth = [
        one for one in every if one.state is ArtifactState.STORED and one.unseen >= WORTH_A_FILE
    ]
    for one in sorted(worth, key=lambda each: each.unseen, reverse=True)[:FILES_AT_MOST]:
        body: dict[str, Json] = {"artifact": one.id}
        await unit.posts.want(PostKind.FILE, execution_id, place, body=body)
