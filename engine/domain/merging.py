"""How what is told about alerts, in any order and more than once, becomes what is known of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from engine.domain.problem import Alert, AlertStatus

# So many alerts of a problem keep their words; of the others everything else is kept.
WORDY_AT_MOST = 50


def merged(known: Sequence[Alert], told: Iterable[Alert]) -> tuple[Alert, ...]:
    """The newest of each alert, in the order in which they were first told.

    Of two tellings the later start is newer; of the same start, resolved is newer than firing.
    """
    found = {alert.fingerprint: alert for alert in known}
    for alert in told:
        before = found.get(alert.fingerprint)
        if before is None or newer(alert, before):
            found[alert.fingerprint] = brief(alert, at=len(found), before=before)
    return tuple(found.values())


def newer(alert: Alert, before: Alert) -> bool:
    """Whether this telling replaces the other."""
    if alert.starts_at != before.starts_at:
        return alert.starts_at > before.starts_at
    if alert.status is before.status:
        return alert.annotations != before.annotations and bool(before.annotations)
    return before.status is AlertStatus.FIRING


def brief(alert: Alert, *, at: int, before: Alert | None) -> Alert:
    """Without its words, where the problem has enough of them."""
    wordy = at < WORDY_AT_MOST if before is None else bool(before.annotations)
    return alert if wordy else alert.model_copy(update={"annotations": {}, "source_url": ""})


def opening(alerts: Sequence[Alert]) -> list[Alert]:
    """Those that fire, the longest first."""
    firing = [alert for alert in alerts if alert.status is AlertStatus.FIRING]
    return sorted(firing, key=lambda alert: alert.starts_at)


def earliest(alerts: Sequence[Alert]) -> datetime:
    """When the first of them began."""
    return min(alert.starts_at for alert in alerts)


def ended(alerts: Sequence[Alert]) -> datetime | None:
    """When the last of them was over, as far as it is told."""
    ends = [alert.ends_at for alert in alerts if alert.ends_at]
    return max(ends) if ends else None
