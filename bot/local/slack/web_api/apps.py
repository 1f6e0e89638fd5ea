"""auth.test, apps.connections.open, team.info, bots.info and the like."""

from urllib.parse import urlencode

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Json
from bot.local.slack.refusal import Refused
from bot.local.slack.validate import problems_of, text_length, view_problems
from bot.local.slack.validate_blocks import MESSAGE
from bot.local.slack.web_api.call import Call, Method


def auth_test(slack: LocalSlack, call: Call) -> Json:
    """Who we are."""
    world, bot = slack.workspace.world, slack.workspace.bot
    return {
        "url": f"{slack.url}/",
        "team": world.team["name"],
        "team_id": world.team["id"],
        "user": bot.name,
        "user_id": bot.id,
        "bot_id": world.app.bot_id,
        "is_enterprise_install": False,
    }


def api_test(slack: LocalSlack, call: Call) -> Json:
    """Nothing but an answer."""
    return {"args": call.args}


def connections_open(slack: LocalSlack, call: Call) -> Json:
    """A websocket URL that is good once."""
    query = {"ticket": slack.tickets.issue(), "app_id": slack.workspace.world.app.id}
    return {"url": f"{slack.url.replace('http', 'ws', 1)}/link/?{urlencode(query)}"}


def team_info(slack: LocalSlack, call: Call) -> Json:
    """Our team."""
    team = slack.workspace.world.team
    return {"team": {**team, "email_domain": f"{team['domain']}.example", "url": f"{slack.url}/"}}


def bots_info(slack: LocalSlack, call: Call) -> Json:
    """Our bot."""
    app = slack.workspace.world.app
    if call.text("bot") not in ("", app.bot_id):
        raise Refused("bot_not_found")
    return {
        "bot": {
            "id": app.bot_id,
            "app_id": app.id,
            "user_id": app.bot_user,
            "name": app.name,
            "deleted": False,
            "updated": 0,
            "icons": {},
        }
    }


def emoji_list(slack: LocalSlack, call: Call) -> Json:
    """Custom emoji: this workspace has none."""
    return {"emoji": {}}


def blocks_validate(slack: LocalSlack, call: Call) -> Json:
    """What is wrong with blocks, a message or a view, without posting them."""
    given = {name: call.json(name) for name in ("blocks", "message", "view")}
    present = {name: value for name, value in given.items() if value is not None}
    if len(present) != 1:
        raise Refused("invalid_arguments", "exactly one of blocks, message, view")
    name, value = next(iter(present.items()))
    if name == "view":
        problems = view_problems(value)
    else:
        blocks = value.get("blocks", []) if name == "message" else value
        problems = problems_of(blocks, MESSAGE)
        if not problems and text_length(blocks) > 12_000:
            raise Refused("msg_blocks_too_long")
    errors = [{"pointer": p.pointer, "code": p.code, "message": p.message} for p in problems]
    if errors:
        raise Refused("invalid_blocks", *(str(p) for p in problems), validation_errors=errors)
    return {"errors": []}


METHODS: dict[str, Method] = {
    "auth.test": auth_test,
    "api.test": api_test,
    "apps.connections.open": connections_open,
    "team.info": team_info,
    "bots.info": bots_info,
    "emoji.list": emoji_list,
    "blocks.validate": blocks_validate,
}
