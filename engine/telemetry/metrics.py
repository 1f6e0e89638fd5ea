"""All metrics, in one place; each process has its own registry.

Label values are names from our own code, definitions and route templates, never words of a
request, so that their number stays bounded.
"""

from dataclasses import dataclass, field
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
)

QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SLOW = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Counts what happened; the names are those that dashboards know."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    counters: dict[str, Counter] = field(default_factory=dict)
    histograms: dict[str, Histogram] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        build = Info("carapulse_build", "The running version.", registry=self.registry)
        build.info({"version": version("carapulse")})
        for name, text, labels in COUNTERS:
            self.counters[name] = Counter(f"carapulse_{name}", text, labels, registry=self.registry)
        for name, text, labels, buckets in HISTOGRAMS:
            self.histograms[name] = Histogram(
                f"carapulse_{name}", text, labels, buckets=buckets, registry=self.registry
            )

    def http(self, method: str, path: str, status: int, seconds: float) -> None:
        """A request was answered; `path` is the route's template."""
        self._count("http_requests", method=method, path=path, status=str(status))
        self._observe("http_request_duration_seconds", seconds, method=method, path=path)

    def tool(self, tool: str, action: str, outcome: str, seconds: float) -> None:
        """A tool call ended: succeeded, failed or unknown."""
        self._count("tool_executions", tool=tool, action=action, outcome=outcome)
        self._observe("tool_execution_duration_seconds", seconds, tool=tool, action=action)

    def workflow(self, workflow: str, outcome: str) -> None:
        """A draft or an execution ended."""
        self._count("workflow_executions", workflow=workflow, outcome=outcome)

    def policy(self, decision: str) -> None:
        """The policy decided: allow, deny, require_approval or unavailable."""
        self._count("policy_decisions", decision=decision)

    def policy_shadow(self, outcome: str) -> None:
        """A candidate was asked the same: same, different, failed, or dropped unasked."""
        self._count("policy_shadow", outcome=outcome)

    def approval(self, status: str) -> None:
        """Somebody decided: approve, reject, withdraw or refused."""
        self._count("approvals", status=status)

    def slack_call(self, method: str, outcome: str, seconds: float) -> None:
        """Slack answered a call: ok, limited, or failed."""
        self._count("slack_calls", method=method, outcome=outcome)
        self._observe("slack_call_duration_seconds", seconds, method=method)

    def slack_limited(self, method: str) -> None:
        """Slack asked for patience (HTTP 429)."""
        self._count("slack_limited", method=method)

    def llm(self, model: str, outcome: str, seconds: float) -> None:
        """A model answered, or did not."""
        self._count("llm_calls", model=model, outcome=outcome)
        self._observe("llm_call_duration_seconds", seconds, model=model)

    def llm_tokens(self, model: str, kind: str, count: int) -> None:
        """Tokens used; `kind` is input, cached or output."""
        self._count("llm_tokens", count, model=model, kind=kind)

    def llm_cost(self, model: str, dollars: float) -> None:
        """What a question cost, where the price is known."""
        self._count("llm_cost_dollars", dollars, model=model)

    def job(self, kind: str, outcome: str, seconds: float) -> None:
        """A job ended: done, waits or failed."""
        self._count("jobs", kind=kind, outcome=outcome)
        self._observe("job_duration_seconds", seconds, kind=kind)

    def hook(self, source: str, outcome: str) -> None:
        """A webhook was accepted, repeated or refused."""
        self._count("hook_deliveries", source=source, outcome=outcome)

    def outside(self, service: str, outcome: str) -> None:
        """Linear or PagerDuty answered: ok, refused, limited, or failed."""
        self._count("outside_calls", service=service, outcome=outcome)

    def vault(self, outcome: str) -> None:
        """The login to Vault: logged_in, renewed, refused or unavailable."""
        self._count("vault_logins", outcome=outcome)

    def feed(self, outcome: str, lines: int) -> None:
        """Log lines were published to the live feed, or lost to it."""
        self._count("feed_lines", lines, outcome=outcome)

    def artifact(self, outcome: str, size: int) -> None:
        """A complete output was stored, waits for the store, or was purged."""
        self._count("artifacts", outcome=outcome)
        self._count("artifact_bytes", size, outcome=outcome)

    def _count(self, name: str, by: float = 1, **labels: str) -> None:
        self.counters[name].labels(**labels).inc(by)

    def _observe(self, name: str, seconds: float, **labels: str) -> None:
        self.histograms[name].labels(**labels).observe(seconds)


# `prometheus_client` appends `_total` to the names of counters.
COUNTERS = (
    ("http_requests", "HTTP requests.", ("method", "path", "status")),
    ("tool_executions", "Tool calls.", ("tool", "action", "outcome")),
    ("workflow_executions", "Drafts and executions.", ("workflow", "outcome")),
    ("policy_decisions", "Decisions of the policy.", ("decision",)),
    ("policy_shadow", "Questions for a candidate of the policy.", ("outcome",)),
    ("approvals", "Decisions of people.", ("status",)),
    ("slack_calls", "Calls to Slack.", ("method", "outcome")),
    ("slack_limited", "Calls that Slack put off.", ("method",)),
    ("llm_calls", "Calls to the model.", ("model", "outcome")),
    ("llm_tokens", "Tokens of the model.", ("model", "kind")),
    ("llm_cost_dollars", "Cost of the model, by its configured price.", ("model",)),
    ("jobs", "Jobs.", ("kind", "outcome")),
    ("artifacts", "Files of complete outputs.", ("outcome",)),
    ("artifact_bytes", "Bytes of complete outputs.", ("outcome",)),
    ("hook_deliveries", "Webhooks.", ("source", "outcome")),
    ("outside_calls", "Calls to Linear and PagerDuty.", ("service", "outcome")),
    ("vault_logins", "Logins to Vault and renewals of their token.", ("outcome",)),
    ("feed_lines", "Log lines for the live feed.", ("outcome",)),
)
HISTOGRAMS = (
    ("http_request_duration_seconds", "HTTP requests.", ("method", "path"), QUICK),
    ("tool_execution_duration_seconds", "Tool calls.", ("tool", "action"), SLOW),
    ("slack_call_duration_seconds", "Calls to Slack.", ("method",), QUICK),
    ("llm_call_duration_seconds", "Calls to the model.", ("model",), SLOW),
    ("job_duration_seconds", "Jobs.", ("kind",), QUICK),
)
