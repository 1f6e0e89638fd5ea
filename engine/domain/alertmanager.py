"""Reads the body of an Alertmanager webhook (version 4) into clean alerts, or says what is wrong.

Every word in it comes from outside: it is bounded, and characters that hide or reorder text are
taken out. Unknown fields are left alone, so that newer versions and look-alikes are understood.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import orjson

from engine.domain.model import Json
from engine.domain.problem import Alert, AlertStatus
from engine.errors import Invalid

ALERTS_AT_MOST = 50_000
FIELDS_AT_MOST = 64
NAME_AT_MOST = 128
LABEL_AT_MOST = 512
WORDS_AT_MOST = 2000
URL_AT_MOST = 2000
# Alertmanager's "not yet": Go's zero time.
NEVER = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """What storing a body needs; that every alert in it can be read was checked.

    `labels` are those of the first alert, as far as they tell which problem it is.
    """

    key: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Checked:
    """One alert with its right shapes, its words still as they came."""

    status: AlertStatus
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    link: Json

    @property
    def fingerprint(self) -> str:
        """Our own, over all labels as they came: in any order the same, not chosen by a sender."""
        return sha256(orjson.dumps(sorted(self.labels.items()))).hexdigest()[:16]

    @property
    def alert(self) -> Alert:
        """The clean alert."""
        labels = cleaned(self.labels, LABEL_AT_MOST)
        return Alert(
            fingerprint=self.fingerprint,
            status=self.status,
            name=labels.get("alertname") or "Unnamed alert",
            labels=labels,
            annotations=cleaned(self.annotations, WORDS_AT_MOST),
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            source_url=link(self.link),
        )


def receipt(body: bytes) -> Receipt:
    """Check a whole body without making anything of its words.

    Raises `Invalid` with the path of what is wrong.
    """
    content = opened(body)
    found = tuple(alerts(content))
    return Receipt(delivery_key(content, found), cleaned(found[0].labels, LABEL_AT_MOST))


def parse(body: bytes) -> list[Alert]:
    """The alerts of a body (the `Clues` port). Raises `Invalid`."""
    return [each.alert for each in alerts(opened(body))]


def opened(body: bytes) -> dict[str, Json]:
    """The body's object. Raises `Invalid`."""
    try:
        content: Json = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The body is no JSON: {clean(str(error), 200)}.") from None
    if not isinstance(content, dict):
        raise wrong("", "an object is expected")
    return content


def alerts(content: dict[str, Json]) -> Iterator[Checked]:
    """Each alert of a body. Raises `Invalid`."""
    given = content.get("alerts")
    if not isinstance(given, list) or not given:
        raise wrong("alerts", "a list with at least one alert is expected")
    if len(given) > ALERTS_AT_MOST:
        raise wrong("alerts", f"at most {ALERTS_AT_MOST} alerts are accepted")
    for at, item in enumerate(given):
        yield checked(item, f"alerts.{at}")


def delivery_key(content: dict[str, Json], found: tuple[Checked, ...]) -> str:
    """Same group, same state, same alerts since the same times: told again, nothing new."""
    group = content.get("groupKey") or content.get("groupLabels") or ""
    parts = sorted([one.fingerprint, one.starts_at.isoformat(), one.status.value] for one in found)
    known = [group, content.get("status") or "", parts]
    return sha256(orjson.dumps(known, option=orjson.OPT_SORT_KEYS)).hexdigest()


def checked(item: Json, path: str) -> Checked:
    """One alert. Raises `Invalid`."""
    if not isinstance(item, dict):
        raise wrong(path, "an object is expected")
    status = item.get("status")
    if status not in ("firing", "resolved"):
        raise wrong(f"{path}.status", "firing or resolved is expected")
    starts = moment(item.get("startsAt"), f"{path}.startsAt")
    if starts is None:
        raise wrong(f"{path}.startsAt", "a time is expected")
    return Checked(
        AlertStatus(status),
        texts(item.get("labels"), f"{path}.labels"),
        texts(item.get("annotations"), f"{path}.annotations"),
        starts,
        moment(item.get("endsAt"), f"{path}.endsAt"),
        item.get("generatorURL"),
    )


def texts(given: Json, path: str) -> dict[str, str]:
    """A map of texts; numbers and booleans are taken as their text, nothing else is."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise wrong(path, "an object is expected")
    for name, value in given.items():
        if isinstance(value, dict | list):
            raise wrong(f"{path}.{clean(name, 40)}", "a text is expected")
    return {name: "" if value is None else str(value) for name, value in given.items()}


def cleaned(given: dict[str, str], longest: int) -> dict[str, str]:
    """The first fields, cleaned; empty names are dropped."""
    found = {
        clean(name, NAME_AT_MOST): clean(value, longest)
        for name, value in list(given.items())[:FIELDS_AT_MOST]
    }
    found.pop("", None)
    return found


def clean(text: str, longest: int) -> str:
    """Visible text on one line: no control, format or direction characters, bounded."""
    text = text[: longest * 2]
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() else " " if char.isspace() else "" for char in text
        )
    text = text.strip()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def moment(given: Json, path: str) -> datetime | None:
    """A time of RFC 3339 in UTC; None for Go's zero time and for nothing."""
    if given in (None, ""):
        return None
    if not isinstance(given, str) or len(given) > 64:
        raise wrong(path, "a time such as 2026-11-22T14:02:00Z is expected")
    try:
        found = datetime.fromisoformat(given)
        found = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong(path, "a time such as 2026-11-22T14:02:00Z is expected") from None
    return None if found.year <= NEVER else found


def link(given: Json) -> str:
    """An address that a person may follow, or nothing."""
    if not isinstance(given, str) or len(given) > URL_AT_MOST or not given.isprintable():
        return ""
    return given if given.startswith(("https://", "http://")) and " " not in given else ""


def wrong(path: str, text: str) -> Invalid:
    """What to answer, with the path of the field."""
    return Invalid(f"{path or 'body'}: {text}.", {path or "body": text})
