"""No step carries a secret: whatever is drafted is shown, stored and written into settings."""

from collections.abc import Iterator, Mapping

from engine.domain.changes import REFERENCE
from engine.domain.model import Json
from engine.domain.plan import DraftStep
from engine.errors import Invalid
from engine.tools.redaction import Redactor

REFUSED = (
    "That looks like a secret, and a secret does not belong in a settings file or in a plan: both "
    "are read by many. Put it into Vault, and let the service read it from there. If it is a real "
    "one, replace it: it has been written into a message."
)
FIELD = "looks like a secret, which does not belong here; put it into Vault"


def refuse_secrets(step: DraftStep, redactor: Redactor) -> None:
    """Raises `Invalid`, which never repeats the value."""
    wrong = {name: FIELD for name, text in _said(step) if redactor.text(text) != text}
    if wrong:
        raise Invalid(REFUSED, wrong)


def _said(step: DraftStep) -> Iterator[tuple[str, str]]:
    """What a step is given, as it would stand in a file."""
    for name, value in step.input.items():
        if isinstance(value, str) and not REFERENCE.search(value):
            yield name, value
    if isinstance(setting := step.input.get("key"), str):
        yield from _setting(setting, step.input)
    if step.expect and not REFERENCE.search(step.expect.value):
        yield "expect.value", step.expect.value


def _setting(name: str, given: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    value = given.get("value")
    if isinstance(value, str | int | float) and not REFERENCE.search(str(value)):
        yield "value", f"{name}: {value}"
