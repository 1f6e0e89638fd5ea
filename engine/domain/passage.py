"""A piece of what people wrote down, as it was found for a request."""

from engine.domain.knowledge import Used
from engine.domain.model import Model


class Passage(Model):
    """`kind` is runbook, playbook or memory; `reference` is how people name it.

    The text is quoted as data wherever it goes: whoever may write a runbook may not command.
    `fits` says that the request names it, and not only shares a word with it.
    """

    title: str
    kind: str
    text: str
    source: str = ""
    reference: str = ""
    id: str = ""
    rank: float = 0.0
    fits: bool = False

    @property
    def used(self) -> Used:
        """How a draft that was made with it names it."""
        return Used(kind=self.kind, title=self.title, id=self.id)
