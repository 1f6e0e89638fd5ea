"""A workflow asked for in words: `start the workflow scale_service for till: replicas=4`."""

import re
from collections.abc import Mapping

from engine.domain.model import Model

ASKED = re.compile(
    r"(?:please\s+|can you\s+)?(?:start|run|use)\s+(?:the\s+)?workflow\s+"
    r"[`\"“]?(?P<name>[a-z][a-z0-9_]*)[`\"”]?"
    r"(?:\s+(?:for|on|of)\s+(?P<service>[\w.-]+))?(?:\s+in\s+(?P<place>[\w.-]+(?:/[\w.-]+)?))?"
    r"[\s:,;.]*(?:with\s+)?(?P<rest>.*?)[.?!\s]*",
    re.IGNORECASE | re.DOTALL,
)
PAIR = re.compile(r"([a-z][a-z0-9_]*)\s*(?:=|:|\bto\b)\s*(\"[^\"]*\"|[^\s,;]+)[\s,;]*(?:and\s+)?")


class Spoken(Model):
    """What was said: the workflow, what it is about, and its inputs."""

    name: str
    service: str = ""
    place: str = ""
    input: dict[str, str] = {}


def spoken(text: str) -> Spoken | None:
    """The request in a sentence; None where it asks for no workflow, or says more than that."""
    found = ASKED.fullmatch(" ".join(text.split()))
    if found is None:
        return None
    pairs = _pairs(found["rest"])
    if pairs is None:
        return None
    return Spoken(
        name=found["name"].lower(),
        service=found["service"] or "",
        place=found["place"] or "",
        input=dict(pairs),
    )


def _pairs(text: str) -> Mapping[str, str] | None:
    """`a=1, b to 2`; None where there are other words among them."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        pair = PAIR.match(text, at)
        if pair is None:
            return None
        found[pair[1].lower()] = pair[2].strip('"')
        at = pair.end()
    return found
