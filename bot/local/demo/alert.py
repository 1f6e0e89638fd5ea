"""The one alert of the demo: its labels and words, for Prometheus and for the shop's own sender."""

ALERT_NAME = "CheckoutErrorRateHigh"
LABELS = {
    "severity": "critical",
    "service": "checkout",
    "environment": "prod",
    "cluster": "eu-1",
    "namespace": "shop",
}
RUNBOOK = "https://runbooks.acme.example/checkout/error-rate-high"


def annotations(percent: str, limit: float) -> dict[str, str]:
    """The alert's words; `percent` is a template of whoever sends it, without the sign."""
    shown = f"{limit * 100:g}"
    return {
        "summary": f"Error rate {percent} % (limit {shown} %)",
        "description": f"{percent} % of the checkouts in prod/eu-1 fail. Customers can't pay.",
        "runbook": RUNBOOK,
    }


def error_rate_query(window: float) -> str:
    """PromQL: failed of all checkouts over the last `window` seconds."""
    span = f"[{round(window * 1000)}ms]"
    failed = f'sum(rate(checkout_requests_total{{code=~"5.."}}{span}))'
    return f"{failed} / sum(rate(checkout_requests_total{span}))"
