"""views.open, views.push, views.update and views.publish."""

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Json, View
from bot.local.slack.refusal import Refused
from bot.local.slack.web_api.call import Call, Method


def open_view(slack: LocalSlack, call: Call) -> Json:
    """Answer a click or a command with a modal."""
    described = view_of(call)
    user_id = slack.triggers.exchange(trigger_of(call))
    return shown(slack, slack.views.open(user_id, described))


def push(slack: LocalSlack, call: Call) -> Json:
    """Put a modal on top."""
    described = view_of(call)
    user_id = slack.triggers.exchange(trigger_of(call))
    return shown(slack, slack.views.push(user_id, described))


def update(slack: LocalSlack, call: Call) -> Json:
    """Replace an open modal."""
    described = view_of(call)
    if call.text("view_id"):
        view = slack.workspace.view(call.text("view_id"))
    else:
        view = slack.views.by_external_id(call.required("external_id"))
    return shown(slack, slack.views.update(view, described, call.text("hash")))


def publish(slack: LocalSlack, call: Call) -> Json:
    """Set what a person sees in our App Home."""
    user_id, described = call.required("user_id"), view_of(call)
    return shown(slack, slack.views.publish(user_id, described, call.text("hash")))


def view_of(call: Call) -> Json:
    """The view of the call; its rules are checked where it is shown."""
    described = call.json("view")
    if not isinstance(described, dict):
        raise Refused("invalid_arguments", "missing required field: view")
    return described


def trigger_of(call: Call) -> str:
    """The trigger, under either of its names."""
    return call.text("trigger_id") or call.text("interactivity_pointer")


def shown(slack: LocalSlack, view: View) -> Json:
    """The answer with the view."""
    return {"view": slack.present.view(view)}


METHODS: dict[str, Method] = {
    "views.open": open_view,
    "views.push": push,
    "views.update": update,
    "views.publish": publish,
}
