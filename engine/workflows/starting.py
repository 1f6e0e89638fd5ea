"""What starts and wakes drafts and executions, whichever engine carries them out."""

from typing import Protocol

from engine.domain.ids import DraftId
from engine.domain.plan import VersionRef


class Starting(Protocol):
    """Each may be repeated; raises `Unavailable` when the engine does not answer."""

    async def start_draft(self, draft_id: DraftId, epoch: int = 0) -> None:
        """Start the drafting of a request."""
        ...

    async def wake(self, ref: VersionRef) -> None:
        """Have the version looked at now, for the first time too."""
        ...

    async def lives(self, kind: str, epoch: int) -> bool:
        """Whether `draft/<id>` or `<plan>/<version>` is under way in this epoch."""
        ...
