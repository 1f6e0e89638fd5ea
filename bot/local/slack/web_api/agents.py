"""assistant.threads.* and agents.sessions.*: what the bot is doing right now."""

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Json
from bot.local.slack.refusal import Refused
from bot.local.slack.web_api.call import Call, Method

SESSION_STATES = ("processing", "active", "suspended", "closed")
MOST_PROMPTS = 4
MOST_TITLE = 200


def set_status(slack: LocalSlack, call: Call) -> Json:
    """Show a line such as "is reading metrics" under a thread; empty takes it away."""
    channel = slack.workspace.channel(call.text("channel_id"))
    thread_ts = call.required("thread_ts")
    messages = call.json("loading_messages") or []
    if len(messages) > 10:
        raise Refused("invalid_arguments", "no more than 10 loading_messages")
    slack.statuses.show(channel.id, thread_ts, call.text("status"))
    return {}


def set_title(slack: LocalSlack, call: Call) -> Json:
    """Name a thread."""
    slack.workspace.channel(call.text("channel_id"))
    call.required("thread_ts")
    call.required("title")
    return {}


def set_suggested_prompts(slack: LocalSlack, call: Call) -> Json:
    """Offer things to say."""
    slack.workspace.channel(call.text("channel_id"))
    prompts = call.json("prompts")
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= MOST_PROMPTS:
        raise Refused("invalid_arguments", f"1 to {MOST_PROMPTS} prompts")
    return {}


def session_status(slack: LocalSlack, call: Call) -> Json:
    """Say what a session is doing; people get a button to stop it."""
    channel = slack.workspace.channel(call.text("channel_id"))
    status = call.required("status")
    if status not in SESSION_STATES:
        raise Refused("invalid_arguments", f"status must be one of {', '.join(SESSION_STATES)}")
    if len(call.text("title")) > MOST_TITLE:
        raise Refused("invalid_arguments", "title is too long")
    running = status == "processing"
    slack.statuses.show(channel.id, call.required("thread_ts"), status if running else "")
    return {}


def rename_session(slack: LocalSlack, call: Call) -> Json:
    """Name a session."""
    slack.workspace.channel(call.text("channel_id"))
    if len(call.required("title")) > MOST_TITLE:
        raise Refused("invalid_arguments", "title is too long")
    return {}


METHODS: dict[str, Method] = {
    "assistant.threads.setStatus": set_status,
    "assistant.threads.setTitle": set_title,
    "assistant.threads.setSuggestedPrompts": set_suggested_prompts,
    "agents.sessions.setStatus": session_status,
    "agents.sessions.rename": rename_session,
}
