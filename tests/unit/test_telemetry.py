"""Log lines and metrics."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from prometheus_client import generate_latest

from engine.telemetry.logs import configure
from engine.telemetry.metrics import Metrics


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    yield io.StringIO()
    root.handlers[:], level = before[0], before[1]
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def hide(text: str) -> str:
    return text.replace("hunter2", "***")


def test_both_libraries_write_the_same_kind_of_line(stream: io.StringIO) -> None:
    configure(service="bot", version="1.2", stream=stream)

    structlog.get_logger("ours").info("started", action="bot.started")
    logging.getLogger("theirs").warning("slow %s", "query")

    ours, theirs = lines(stream)
    assert (ours["event"], ours["action"], ours["logger"]) == ("started", "bot.started", "ours")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == (
        "slow query",
        "warning",
        "theirs",
    )
    assert {(line["service"], line["version"]) for line in (ours, theirs)} == {("bot", "1.2")}
    assert ours.keys() >= {"timestamp"}


def test_secrets_are_taken_out_of_nested_values_and_of_exceptions(stream: io.StringIO) -> None:
    configure(service="bot", stream=stream, redact=hide)
    log = structlog.get_logger("ours")

    log.info("call", argv=["--token", "hunter2"], env={"a": {"b": "hunter2"}}, body=b"hunter2")
    try:
        int("hunter2")
    except ValueError:
        log.exception("failed")
    logging.getLogger("theirs").error("hunter2 %s", "hunter2")

    assert "hunter2" not in stream.getvalue()
    assert (
        "ValueError: invalid literal for int() with base 10: '***'" in lines(stream)[1]["exception"]
    )


def test_text_is_for_people(stream: io.StringIO) -> None:
    configure(service="bot", style="text", stream=stream)

    structlog.get_logger("ours").info("started")

    assert "started" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_the_level_holds(stream: io.StringIO) -> None:
    configure(service="bot", level="WARNING", stream=stream)

    structlog.get_logger("ours").info("quiet")
    structlog.get_logger("ours").warning("loud")

    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_what_is_bound_to_the_task_is_on_its_lines(stream: io.StringIO) -> None:
    configure(service="bot", stream=stream)

    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("ours").info("inside")
    structlog.get_logger("ours").info("outside")

    assert [line.get("request_id") for line in lines(stream)] == ["r1", None]


def test_dashboards_find_the_names_that_they_know() -> None:
    metrics = Metrics()

    metrics.http("GET", "/v1/plans/{id}", 200, 0.1)
    metrics.tool("git", "log", "succeeded", 1.0)
    metrics.workflow("ExecutePlan", "succeeded")
    metrics.policy("allow")
    metrics.approval("approve")
    metrics.slack_call("chat.postMessage", "ok", 0.2)
    metrics.slack_limited("chat.postMessage")
    metrics.llm("m", "ok", 2.0)
    metrics.llm_tokens("m", "input", 100)
    metrics.job("draft.start", "done", 0.1)
    metrics.hook("alertmanager", "accepted")
    metrics.feed("lost", 3)

    shown = generate_latest(metrics.registry).decode()
    for line in (
        'carapulse_http_requests_total{method="GET",path="/v1/plans/{id}",status="200"} 1.0',
        'carapulse_http_request_duration_seconds_count{method="GET",path="/v1/plans/{id}"} 1.0',
        'carapulse_tool_executions_total{action="log",outcome="succeeded",tool="git"} 1.0',
        'carapulse_tool_execution_duration_seconds_count{action="log",tool="git"} 1.0',
        'carapulse_workflow_executions_total{outcome="succeeded",workflow="ExecutePlan"} 1.0',
        'carapulse_policy_decisions_total{decision="allow"} 1.0',
        'carapulse_approvals_total{status="approve"} 1.0',
        'carapulse_llm_tokens_total{kind="input",model="m"} 100.0',
        'carapulse_feed_lines_total{outcome="lost"} 3.0',
    ):
        assert line in shown


def test_each_process_counts_for_itself() -> None:
    first, second = Metrics(), Metrics()

    first.policy("deny")

    assert b'decision="deny"' not in generate_latest(second.registry)
