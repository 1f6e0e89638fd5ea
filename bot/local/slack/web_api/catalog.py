"""Every Web API method that the local Slack knows."""

from bot.local.slack.web_api import (
    agents,
    apps,
    chat,
    conversations,
    files,
    keepsakes,
    people,
    reactions,
    streams,
    views,
)
from bot.local.slack.web_api.call import Method

METHODS: dict[str, Method] = {
    **agents.METHODS,
    **apps.METHODS,
    **chat.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **keepsakes.METHODS,
    **people.METHODS,
    **reactions.METHODS,
    **streams.METHODS,
    **views.METHODS,
}
