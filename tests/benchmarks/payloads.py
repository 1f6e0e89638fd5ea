"""What Slack and Alertmanager send, in the size in which they send it."""

import time

import orjson

from bot.slack.origins import Body

TEAM, BOT, CHANNEL = "T0BENCH", "U0BOT", "C0BENCH"
ASKER, APPROVER = "U0DANA", "U0ANN"
STAMP = "000000"
"""In the alerts' body, replaced by a number: each delivery is a new one, of the same problem."""


def message(number: int, text: str = "restart checkout in prod please") -> Body:
    """A mention that starts a thread, as the `message` event that Slack sends for it."""
    words = f"<@{BOT}> {text}"
    ts = moment(number)
    elements = [{"type": "user", "user_id": BOT}, {"type": "text", "text": f" {text}"}]
    section = {"type": "rich_text_section", "elements": elements}
    event = {
        "type": "message",
        "user": ASKER,
        "ts": ts,
        "client_msg_id": f"c{number}",
        "text": words,
        "team": TEAM,
        "channel": CHANNEL,
        "event_ts": ts,
        "channel_type": "channel",
        "blocks": [{"type": "rich_text", "block_id": "b1", "elements": [section]}],
    }
    authorization = {"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True}
    payload = {
        "token": "t",
        "team_id": TEAM,
        "context_team_id": TEAM,
        "api_app_id": "A0BENCH",
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{number}",
        "event_time": 1760000000,
        "is_ext_shared_channel": False,
        "event_context": "4-bench",
        "authorizations": [authorization],
    }
    return envelope("events_api", number, payload)


def press(number: int, value: str, *, ts: str = "1760000000.000001", thread: str = "") -> Body:
    """Somebody pressed Approve on a card."""
    on = {"type": "message", "ts": ts, "text": "plan", "blocks": [], "user": BOT}
    container = {"type": "message", "message_ts": ts, "channel_id": CHANNEL}
    if thread:
        on["thread_ts"] = container["thread_ts"] = thread
    pressed = {
        "type": "button",
        "action_id": "plan.approve",
        "block_id": "b1",
        "value": value,
        "action_ts": moment(number),
    }
    payload = {
        "type": "block_actions",
        "user": {"id": APPROVER, "team_id": TEAM},
        "api_app_id": "A0BENCH",
        "token": "t",
        "trigger_id": f"t{number}",
        "team": {"id": TEAM, "domain": "bench"},
        "channel": {"id": CHANNEL, "name": "bench"},
        "is_enterprise_install": False,
        "enterprise": None,
        "container": container,
        "message": on,
        "actions": [pressed],
    }
    return envelope("interactive", number, payload)


def envelope(kind: str, number: int, payload: Body) -> Body:
    """A Socket Mode envelope."""
    accepts = kind == "interactive"
    id_ = f"e{number}"
    return {
        "type": kind,
        "envelope_id": id_,
        "accepts_response_payload": accepts,
        "payload": payload,
    }


def moment(number: int) -> str:
    """A `ts` of now, and of its own for each number: who hears of the past looks why it is late."""
    return f"{int(time.time())}.{number % 1_000_000:06d}"


def alerts(count: int = 5) -> bytes:
    """An Alertmanager body of about 4 kB, with `STAMP` in the start time of each alert."""
    labels = {
        "alertname": "KubePodCrashLooping",
        "cluster": "prod-eu-1",
        "namespace": "checkout",
        "severity": "critical",
        "container": "api",
        "job": "kube-state-metrics",
        "prometheus": "monitoring/k8s",
        "team": "payments",
    }
    summary = "Pod is crash looping."
    group = '{}/{severity="critical"}:{alertname="KubePodCrashLooping", cluster="prod-eu-1"}'
    return orjson.dumps(
        {
            "version": "4",
            "groupKey": group,
            "truncatedAlerts": 0,
            "status": "firing",
            "receiver": "carapulse",
            "groupLabels": {"alertname": labels["alertname"]},
            "commonLabels": labels,
            "commonAnnotations": {"summary": summary},
            "externalURL": "http://alertmanager:9093",
            "alerts": [one_alert(number, labels, summary) for number in range(count)],
        }
    )


def one_alert(number: int, labels: dict[str, str], summary: str) -> Body:
    """One crashing pod."""
    pod = f"checkout-7d9f8b6c5-{number:05d}"
    said = f"Pod checkout/{pod} (api) is in waiting state (reason: CrashLoopBackOff)."
    expression = "max_over_time%28kube_pod_container_status_waiting%5B5m%5D%29"
    return {
        "status": "firing",
        "labels": labels | {"pod": pod, "uid": f"2c1e7a0{number}-9f4b-4a57-8b39-6f1f9b8d7e11"},
        "annotations": {
            "summary": summary,
            "runbook_url": "https://runbooks.example.com/kubernetes/kubepodcrashlooping",
            "description": said,
        },
        "startsAt": f"2026-01-01T10:00:00.{STAMP}Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": f"b91914b01960ed{number:02d}",
        "generatorURL": f"http://prometheus.monitoring:9090/graph?g0.expr={expression}&g0.tab=1",
    }
