"""reactions.add, reactions.remove and reactions.get."""

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Json, Message
from bot.local.slack.refusal import Refused
from bot.local.slack.web_api.call import Call, Method, channel_to_write


def add(slack: LocalSlack, call: Call) -> Json:
    """Put an emoji under a message."""
    name = known_emoji(slack, call)
    slack.timeline.react(target(slack, call), slack.workspace.bot.id, name)
    return {}


def remove(slack: LocalSlack, call: Call) -> Json:
    """Take our own emoji back."""
    name = known_emoji(slack, call)
    slack.timeline.unreact(target(slack, call), slack.workspace.bot.id, name)
    return {}


def get(slack: LocalSlack, call: Call) -> Json:
    """The message with its emoji."""
    message = target(slack, call)
    shown = slack.present.message(message)
    return {"type": "message", "channel": message.channel, "message": shown}


def target(slack: LocalSlack, call: Call) -> Message:
    """The message that the call names."""
    channel = channel_to_write(slack, call)
    return slack.workspace.message(channel.id, call.required("timestamp"))


def known_emoji(slack: LocalSlack, call: Call) -> str:
    """The name without colons; a skin tone may follow."""
    name = call.required("name").strip(":")
    if name.partition("::")[0] not in slack.workspace.world.emoji:
        raise Refused("invalid_name")
    return name


METHODS: dict[str, Method] = {
    "reactions.add": add,
    "reactions.remove": remove,
    "reactions.get": get,
}
