"""The shop's own alerting, for machines without Prometheus: Alertmanager's webhook, version 4.

The alert waits, fires and resolves as a Prometheus rule does; a notification that the receiver
does not take is sent again with back-off, and always tells the newest state.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import structlog

from bot.local.demo.shop.checkout import Checkout

TIMEOUT = aiohttp.ClientTimeout(total=10)
NEVER = "0001-01-01T00:00:00Z"
GROUP_BY = ("alertname", "service")
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
REPEAT_SECONDS = 4 * 3600.0
FNV_OFFSET, FNV_PRIME, FNV_MASK = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rule:
    """What the alert is called and says; `{percent}` in the summary becomes the error rate."""

    labels: dict[str, str]
    annotations: dict[str, str]
    hold: float = 3.0


@dataclass(frozen=True, slots=True)
class Alert:
    """One firing of the rule; `ended` is None while it fires."""

    labels: dict[str, str]
    annotations: dict[str, str]
    started: datetime
    ended: datetime | None = None


def fingerprint(labels: dict[str, str]) -> str:
    """Prometheus' identity of a label set: FNV-1a (64 bit) over sorted names and values."""
    value = FNV_OFFSET
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            value = ((value ^ byte) * FNV_PRIME) & FNV_MASK
    return f"{value:016x}"


def payload(alert: Alert, own_url: str) -> dict[str, Any]:
    """The webhook body for a group that holds this one alert."""
    status = "firing" if alert.ended is None else "resolved"
    group = {name: alert.labels[name] for name in GROUP_BY if name in alert.labels}
    shown = ", ".join(f'{name}="{value}"' for name, value in sorted(group.items()))
    return {
        "receiver": "carapulse",
        "status": status,
        "alerts": [
            {
                "status": status,
                "labels": alert.labels,
                "annotations": alert.annotations,
                "startsAt": _stamp(alert.started),
                "endsAt": _stamp(alert.ended) if alert.ended else NEVER,
                "generatorURL": f"{own_url}/health",
                "fingerprint": fingerprint(alert.labels),
            }
        ],
        "groupLabels": group,
        "commonLabels": alert.labels,
        "commonAnnotations": alert.annotations,
        "externalURL": own_url,
        "version": "4",
        "groupKey": "{}:{" + shown + "}",
        "truncatedAlerts": 0,
    }


class Watch:
    """Decides when the alert fires: above the limit for as long as the rule holds back."""

    def __init__(self, rule: Rule, limit: float) -> None:
        self._rule = rule
        self._limit = limit
        self._above_since: float | None = None
        self.alert: Alert | None = None

    def look(self, rate: float, clock: float, now: datetime) -> None:
        """Take one measurement; `clock` counts seconds, `now` goes into the alert."""
        if rate <= self._limit:
            self._above_since = None
            if self.alert and self.alert.ended is None:
                ended = Alert(self.alert.labels, self.alert.annotations, self.alert.started, now)
                self.alert = ended
            return
        if self._above_since is None:
            self._above_since = clock
        firing = self.alert is not None and self.alert.ended is None
        if clock - self._above_since >= self._rule.hold and not firing:
            self.alert = Alert(self._rule.labels, self._said(rate), now)

    def _said(self, rate: float) -> dict[str, str]:
        percent = f"{rate * 100:.0f}"
        return {
            name: text.replace("{percent}", percent)
            for name, text in sorted(self._rule.annotations.items())
        }


class Sender:
    """Keeps the receiver's idea of the alert the same as ours."""

    def __init__(self, url: str, token_file: Path | None, own_url: str) -> None:
        self._url = url
        self._token_file = token_file
        self._own_url = own_url
        self._told: Alert | None = None
        self._told_at = 0.0
        self._pause = 0.0
        self._not_before = 0.0

    async def tell(self, session: aiohttp.ClientSession, alert: Alert, clock: float) -> None:
        """Send the alert if the receiver does not know this state of it yet."""
        if clock < self._not_before or not self._news(alert, clock):
            return
        if await self._taken(session, alert):
            self._told, self._told_at, self._pause = alert, clock, 0.0
            return
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        self._not_before = clock + self._pause

    def _news(self, alert: Alert, clock: float) -> bool:
        if alert.ended is not None:  # nobody hears the end of what they were never told
            firing_told = self._told is not None and self._told.ended is None
            return firing_told and self._told is not None and self._told.started == alert.started
        return self._told != alert or clock - self._told_at >= REPEAT_SECONDS

    async def _taken(self, session: aiohttp.ClientSession, alert: Alert) -> bool:
        try:
            headers = await asyncio.to_thread(self._headers)
            body = payload(alert, self._own_url)
            async with session.post(
                self._url, json=body, headers=headers, allow_redirects=False
            ) as answer:
                if answer.ok:
                    return True
                reason = f"the receiver answered {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = f"{type(error).__name__}: {error}"
        log.warning("alert not taken", action="shop.alert_not_taken", reason=reason[:200])
        return False

    def _headers(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        token = self._token_file.read_text(encoding="utf-8").strip()
        return {"Authorization": f"Bearer {token}"}


async def alerting(checkout: Checkout, rule: Rule, sender: Sender, every: float = 0.5) -> None:
    """Measure, decide and tell, for ever."""
    watch = Watch(rule, checkout.pace.limit)
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        while True:
            clock = time.monotonic()
            watch.look(float(checkout.counts().error_rate), clock, datetime.now(UTC))
            if watch.alert is not None:
                await sender.tell(session, watch.alert, clock)
            await asyncio.sleep(every)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
