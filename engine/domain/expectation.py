"""Whether a result is what was expected, with the sentence that says so."""

import operator
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from engine.domain.call import CallResult, Comparison, Ending, Expectation
from engine.domain.model import Model

ORDERS: dict[Comparison, Callable[[Decimal, Decimal], bool]] = {
    Comparison.LESS: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.MORE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
}
RATIO = "ratio"
DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
REFERENCE = re.compile(r"\{(steps\.[0-9]{1,3}\.[a-z_]{1,40})\}")


class Met(Model):
    """The answer, and how a log line tells it."""

    met: bool
    text: str


def holds(result: CallResult, expect: Expectation, outputs: dict[str, str]) -> Met:
    """Compare; `outputs` resolve references of the expected value. A failed read meets nothing."""
    name = expect.label or expect.output
    if result.ending is not Ending.SUCCEEDED:
        return Met(met=False, text=f"{name}: not known ({result.message or 'the read failed'})")
    wanted = REFERENCE.sub(lambda found: outputs.get(found[1], found[0]), expect.value)
    if "{" in wanted:
        return Met(met=False, text=f"{name}: nothing to compare with")
    actual = result.outputs.get(expect.output, "")
    shown = f"{name} {told(actual, expect.unit) or 'unknown'}"
    known = actual != "" or (expect.output in result.outputs and wanted == "")
    met = known and compare(actual, expect.comparison, wanted)
    if expect.comparison in ORDERS:
        shown = f"{shown} (limit {told(wanted, expect.unit)})"
    elif not met:
        shown = f"{shown}, waiting for {told(wanted, expect.unit)}"
    return Met(met=met, text=shown)


def compare(actual: str, comparison: Comparison, wanted: str) -> bool:
    """Texts for equality, decimals for order; what is no number meets no order."""
    if comparison is Comparison.EQUALS:
        return actual == wanted
    if comparison is Comparison.DIFFERS:
        return actual != wanted
    try:
        left, right = Decimal(actual), Decimal(wanted)
    except InvalidOperation:
        return False
    return left.is_finite() and right.is_finite() and ORDERS[comparison](left, right)


def short(value: str) -> str:
    """A commit id or a long decimal as people read it; anything else as it is."""
    if re.fullmatch(r"[0-9a-f]{40}", value):
        return value[:7]
    return f"{float(value):.3g}" if re.fullmatch(r"-?[0-9]+\.[0-9]{4,30}", value) else value


def told(value: str, unit: str = "") -> str:
    """A fact with its unit, as people read it; `ratio` is shown in per cent."""
    if not value:
        return ""
    if unit == RATIO and DECIMAL.fullmatch(value):
        return f"{float(value) * 100:.2g} %"
    return f"{short(value)} {unit}".strip() if unit != RATIO else short(value)
