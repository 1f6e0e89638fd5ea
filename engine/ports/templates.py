"""Where the workflows are kept that people write here."""

from typing import Protocol

from engine.domain.template import TemplateState, TemplateText


class Templates(Protocol):
    """Texts by name and version; a text that was kept is never changed."""

    async def texts(self, name: str) -> list[TemplateText]:
        """Every version, the newest first."""
        ...

    async def authors(self, name: str) -> list[str]:
        """Who wrote any version of it, ids of people."""
        ...

    async def current(self) -> list[tuple[TemplateState, TemplateText]]:
        """Each that is not removed, in its current version, by name."""
        ...

    async def lock(self, name: str) -> TemplateState | None:
        """How it stands, held until the end of the transaction; None where it never was."""
        ...

    async def add(self, text: TemplateText) -> bool:
        """Keep a version; False where there is one of this number."""
        ...

    async def stand(self, state: TemplateState) -> None:
        """How it stands from now on."""
        ...
