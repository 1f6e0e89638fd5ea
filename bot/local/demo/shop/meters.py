"""What Prometheus reads from checkout."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

OK, FAILED = 200, 503
BUCKETS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)


class Meters:
    """Counters, gauges and a histogram on a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "checkout_requests", "Checkouts.", ["instance", "code"], registry=self.registry
        )
        self._seconds = Histogram(
            "checkout_duration_seconds",
            "How long a checkout took.",
            ["instance"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._revision = Gauge(
            "checkout_revision_info",
            "1 for the settings' commit that an instance runs with.",
            ["instance", "revision"],
            registry=self.registry,
        )
        self._pool_size = Gauge(
            "checkout_pool_size", "Pooled connections.", ["instance"], registry=self.registry
        )

    def start(self, instance: str) -> None:
        """Make both codes exist, so that a rate over them never lacks a side."""
        for code in (OK, FAILED):
            self._requests.labels(instance, str(code))

    def request(self, instance: str, code: int, seconds: float) -> None:
        """Count one checkout."""
        self._requests.labels(instance, str(code)).inc()
        self._seconds.labels(instance).observe(seconds)

    def rolled(self, instance: str, old: str | None, new: str, pool_size: int) -> None:
        """An instance runs with another commit; the old one's series ends."""
        if old is not None:
            self._revision.remove(instance, old)
        self._revision.labels(instance, new).set(1)
        self._pool_size.labels(instance).set(pool_size)
