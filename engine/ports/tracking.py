"""What the services need of an issue tracker and of a pager, and of what is kept about both."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from engine.domain.ids import ExecutionId, PersonId, PlanId
from engine.domain.issue import Filing, Issue, IssueMove, Note, NoteRow, Shown, Standing, Told
from engine.domain.page import Page, PageRow


class Tracker(Protocol):
    """An issue tracker. Every method raises `Unavailable` when its outcome is not known.

    They raise `Invalid` or `NotFound` when the tracker refuses, which trying again won't mend.
    """

    async def open(self, issue_id: str, filing: Filing, *, again: bool) -> Shown:
        """Make the issue with this id; `again`: it may be there already."""
        ...

    async def rewrite(self, issue_id: str, filing: Filing) -> Shown: ...
    async def comment(self, issue_id: str, comment_id: str, text: str, *, again: bool) -> None: ...
    async def move(self, issue_id: str, standing: Standing) -> None: ...
    async def moves(self, issue_id: str) -> list[IssueMove]:
        """Moves by others than us, oldest first."""
        ...

    async def updated(self, issue_ids: Sequence[str]) -> dict[str, datetime]:
        """When each of these issues was last changed."""
        ...

    async def check(self) -> str:
        """Whom the tracker takes us for."""
        ...


class Accounts(Protocol):
    """Who an account of the tracker is."""

    def linear(self, user: str) -> PersonId | None: ...


class Pager(Protocol):
    """What pages people. Raises `Unavailable`, and `Invalid` when it refuses an event."""

    async def send(self, key: str, page: Page, stage: int) -> None: ...


class Leases(Protocol):
    """One process at a time does something."""

    async def lease(self, name: str, holder: str, seconds: float) -> int | None: ...


class Issues(Protocol):
    """Issues of plans, what is still to be done in them, and moves that were answered."""

    async def stale(self, limit: int) -> list[tuple[PlanId, int]]:
        """Plans with changes that no note tells, each with its newest change."""
        ...

    async def claim(self, plan_id: PlanId, issue_id: str) -> Issue:
        """The plan's issue, made if there is none; locked until the transaction ends."""
        ...

    async def of_plan(self, plan_id: PlanId) -> Issue | None: ...
    async def of_issue(self, issue_id: str) -> Issue | None: ...
    async def note(self, plan_id: PlanId, *notes: Note) -> None: ...
    async def told(self, plan_id: PlanId, told: Told, *, seen: int, closed: bool) -> None: ...
    async def answered(self, key: str) -> bool: ...
    async def answer(self, key: str, plan_id: PlanId) -> bool:
        """False when it was answered meanwhile."""
        ...

    async def open_ids(self, limit: int) -> list[str]: ...
    async def left(self, limit: int) -> list[NoteRow]:
        """The oldest undone note of each issue."""
        ...

    async def begin(self, note_id: int) -> None:
        """Its call is under way; from here its outcome is unsure until it is done."""
        ...

    async def done(
        self, row: NoteRow, *, shown: Shown | None = None, refused: str = ""
    ) -> None: ...


class Pages(Protocol):
    """What people are paged for."""

    async def critical(self, limit: int) -> list[ExecutionId]:
        """Executions that may have to be paged for."""
        ...

    async def broken_glass(self, limit: int) -> list[tuple[PlanId, int]]:
        """Versions approved by break-glass that nobody was paged for."""
        ...

    async def paging(self) -> list[PageRow]:
        """Those that are not over."""
        ...

    async def want(self, row: PageRow) -> bool:
        """Add one, or say that it has gone further; False when nothing is new."""
        ...

    async def of_key(self, key: str) -> PageRow | None: ...
    async def unsent(self, limit: int) -> list[PageRow]: ...
    async def sent(self, key: str, stage: int, *, refused: str = "") -> None: ...
