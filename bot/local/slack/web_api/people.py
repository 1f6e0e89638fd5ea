"""users.* and usergroups.*."""

from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Json
from bot.local.slack.refusal import Refused
from bot.local.slack.web_api.call import Call, Method, page_of


def info(slack: LocalSlack, call: Call) -> Json:
    """One person."""
    user = slack.workspace.user(call.text("user"))
    return {"user": slack.present.user(user, locale=call.flag("include_locale"))}


def list_all(slack: LocalSlack, call: Call) -> Json:
    """Everybody."""
    page, following = page_of(list(slack.workspace.users.values()), call, 200)
    shown = [slack.present.user(user, locale=call.flag("include_locale")) for user in page]
    return {"members": shown, "response_metadata": {"next_cursor": following}}


def lookup_by_email(slack: LocalSlack, call: Call) -> Json:
    """The member of our team with this address."""
    email = call.required("email").lower()
    for user in slack.workspace.users.values():
        if user.email.lower() == email and not user.is_stranger and not user.deleted:
            return {"user": slack.present.user(user)}
    raise Refused("users_not_found")


def groups(slack: LocalSlack, call: Call) -> Json:
    """All user groups."""
    found = []
    for group in slack.workspace.groups.values():
        shown = slack.present.group(group)
        if call.flag("include_users"):
            shown["users"] = list(group.members)
        found.append(shown)
    return {"usergroups": found}


def group_members(slack: LocalSlack, call: Call) -> Json:
    """Who is in a user group."""
    group = slack.workspace.groups.get(call.text("usergroup"))
    if group is None:
        raise Refused("no_such_subteam")
    return {"users": list(group.members)}


METHODS: dict[str, Method] = {
    "users.info": info,
    "users.list": list_all,
    "users.lookupByEmail": lookup_by_email,
    "usergroups.list": groups,
    "usergroups.users.list": group_members,
}
