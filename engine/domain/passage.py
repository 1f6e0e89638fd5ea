"""A piece of what people wrote down, as it was found for a request."""

from engine.domain.model import Model


class Passage(Model):
    """`kind` is runbook, playbook or memory; `reference` is how people name it.

    The text is quoted as data wherever it goes: whoever may write a runbook may not command.
    """

    title: str
    kind: str
    text: str
    source: str = ""
    reference: str = ""
