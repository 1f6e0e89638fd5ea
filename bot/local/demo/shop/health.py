"""What `GET /health` answers: one JSON document, decimals as strings."""

from typing import Any

from bot.local.demo.shop.checkout import Checkout
from bot.local.demo.shop.instance import Instance


def health(checkout: Checkout, remote_problem: str | None) -> dict[str, Any]:
    """The state of the service now; rates are over the last window."""
    counts = checkout.counts()
    problems = [text for text in (checkout.settings_problem, remote_problem) if text]
    return {
        "service": "checkout",
        "status": "degraded" if checkout.degraded else "healthy",
        "error_rate": str(counts.error_rate),
        "error_percent": str(counts.error_percent),
        "requests": counts.requests,
        "failed": counts.failed,
        "window_seconds": str(checkout.pace.window),
        "instances": [_instance(instance) for instance in checkout.instances],
        "total": len(checkout.instances),
        "ready": sum(instance.ready for instance in checkout.instances),
        "on_revision": _on_newest(checkout),
        "revision": checkout.revision,
        "settings": checkout.settings.model_dump() if checkout.settings else None,
        "last_change": _last_change(checkout),
        "problems": problems,
    }


def _on_newest(checkout: Checkout) -> int:
    """How many instances run the newest commit that the shop knows of."""
    newest = checkout.last_change.revision if checkout.last_change else None
    return sum(instance.revision == newest for instance in checkout.instances if newest)


def _instance(instance: Instance) -> dict[str, Any]:
    return {
        "name": instance.name,
        "revision": instance.revision,
        "ready": instance.ready,
        "error_percent": str(instance.window.counts().error_percent),
        "since": instance.since.isoformat(timespec="seconds"),
    }


def _last_change(checkout: Checkout) -> dict[str, str] | None:
    change = checkout.last_change
    if change is None:
        return None
    return {
        "revision": change.revision,
        "author": change.author,
        "message": change.message,
        "at": change.at,
    }
