"""The offline planner with the playbooks of the moment: those of files, and those written since."""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from engine.documents import parse_yaml
from engine.domain.draft import Briefing, Outcome, Reading
from engine.errors import ConfigurationError
from engine.llm.playbooks import Playbook, build_playbook
from engine.ports import Planner

# A stamp that changes with the playbooks, and a way to read them as (name, body).
Stamp = Callable[[], Awaitable[str]]
Bodies = Callable[[], Awaitable[Sequence[tuple[str, str]]]]
log = structlog.get_logger(__name__)


class ShelvedPlanner:
    """The `Planner` port. `build` makes the planner for a set of playbooks."""

    def __init__(
        self,
        files: Sequence[Playbook],
        build: Callable[[Sequence[Playbook]], Planner],
        *,
        stamp: Stamp,
        bodies: Bodies,
    ) -> None:
        self._files = tuple(files)
        self._build = build
        self._stamp = stamp
        self._bodies = bodies
        self._planner = build(self._files)
        self._seen = ""
        self.name = self._planner.name

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        return await (await self._current()).readings(briefing)

    async def plan(self, briefing: Briefing) -> Outcome:
        """Raises what the offline planner does."""
        return await (await self._current()).plan(briefing)

    async def _current(self) -> Planner:
        """Built anew only after somebody wrote, changed or removed a playbook."""
        stamp = await self._stamp()
        if stamp != self._seen:
            written = [one for name, body in await self._bodies() if (one := read(name, body))]
            titles = {one.title for one in self._files}
            fresh = [one for one in written if one.title not in titles]
            self._planner = self._build((*self._files, *fresh))
            self._seen = stamp
        return self._planner


def read(name: str, body: str) -> Playbook | None:
    """A playbook as it was stored; None when the rules have become stricter since."""
    try:
        return build_playbook(parse_yaml(body, name), name)
    except ConfigurationError as error:
        log.warning("stored playbook is left out", action="playbook.refused", error=str(error))
        return None
