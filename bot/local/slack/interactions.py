"""Clicks, submissions, commands and shortcuts, as Slack sends them to an app."""

from typing import Any

from bot.local.slack.elements import (
    choice,
    elements_of,
    entered,
    initial_values,
    merged,
    missing_answers,
)
from bot.local.slack.local_slack import LocalSlack
from bot.local.slack.model import Channel, Json, Message, View
from bot.local.slack.refusal import Refused
from bot.local.slack.validate import problems_of
from bot.local.slack.wire import Typed

MENU = ("options", "option_groups")


class Interactions:
    """What a person does with the app's buttons, modals and commands."""

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack

    async def press(self, user_id: str, where: Message | View, action: Json) -> bool:
        """Press, choose or rate. The element must be there as things stand now."""
        typed = entered(action.get("values"))
        block, element = self._find(blocks_of(where), action)
        happened = self._action(block, element, action)
        if isinstance(where, View):
            given = {block["block_id"]: {element["action_id"]: state_of(happened)}}
            where = self._slack.views.remember(where, {**typed, **given})
            place = self._in_view(where)
        else:
            place = self._in_message(user_id, where)
            values = merged(place["state"]["values"], typed)
            place["state"] = {"values": with_choice(values, happened)}
        payload = {
            "type": "block_actions",
            **self._person(user_id),
            **place,
            "actions": [happened],
        }
        answer = await self._slack.deliveries.ask("interactive", payload)
        return answer.acked

    async def submit(self, view: View, given: Any) -> Json:
        """Send a modal. The client itself insists on required fields."""
        state = merged(initial_values(view.blocks), {**view.values, **entered(given)})
        errors = missing_answers(view.blocks, state)
        if errors:
            self._slack.views.show_errors(view, errors)
            return {"ok": False, "response_action": "errors", "errors": errors}
        view = self._slack.views.remember(view, state)
        payload = {
            "type": "view_submission",
            **self._person(view.user),
            "view": self._slack.present.view(view),
            "response_urls": [],
        }
        answer = await self._slack.deliveries.ask("interactive", payload)
        if not answer.acked:
            return {"ok": False, "error": "timeout"}
        return self._respond(view, answer.payload)

    async def close(self, view: View) -> Json:
        """Close a modal; the app hears of it only if it asked to."""
        self._slack.views.close(view)
        if not view.notify_on_close:
            return {"ok": True}
        payload = {
            "type": "view_closed",
            **self._person(view.user),
            "view": self._slack.present.view(view),
            "is_cleared": False,
        }
        answer = await self._slack.deliveries.ask("interactive", payload)
        return {"ok": True, "acked": answer.acked}

    async def slash(self, user_id: str, channel: Channel, command: str, text: str) -> Json:
        """A slash command, and the message its acknowledgement may carry."""
        world = self._slack.workspace.world
        known = next((each for each in world.commands if each["command"] == command), None)
        if known is None:
            return {"ok": False, "error": "unknown_command"}
        words = Typed(self._slack.workspace, text).text if known.get("should_escape") else text
        user = self._slack.workspace.user(user_id)
        payload = {
            "token": "local",
            "team_id": world.team["id"],
            "team_domain": world.team["domain"],
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.kind == "dm" else channel.name,
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": words,
            "api_app_id": world.app.id,
            "is_enterprise_install": "false",
            "response_url": self._slack.responses.issue(channel.id, user_id),
            "trigger_id": self._slack.triggers.issue(user_id),
        }
        answer = await self._slack.deliveries.ask("slash_commands", payload)
        if not answer.acked:
            return {"ok": False, "error": "operation_timeout"}
        return self._reply(user_id, channel, answer.payload)

    def _reply(self, user_id: str, channel: Channel, answer: Json) -> Json:
        """Show the message that came with an acknowledgement."""
        try:
            if answer:
                self._slack.responses.reply(channel.id, user_id, answer)
        except Refused as refusal:
            self._slack.stats.refused("slash_commands", refusal)
            return {"ok": False, "error": "invalid_command_response"}
        return {"ok": True, "response": answer or None}

    async def shortcut(self, user_id: str, callback_id: str, message: Message | None) -> Json:
        """A shortcut on a message, or a global one."""
        payload: Json = {
            "type": "shortcut" if message is None else "message_action",
            **self._person(user_id),
            "callback_id": callback_id,
            "action_ts": self._slack.workspace.new_ts(),
        }
        if message is not None:
            place = self._in_message(user_id, message)
            payload |= {
                "channel": place["channel"],
                "message_ts": message.ts,
                "message": self._slack.present.message(message),
                "response_url": place["response_url"],
            }
        answer = await self._slack.deliveries.ask("interactive", payload)
        return {"ok": True, "acked": answer.acked}

    async def suggest(self, user_id: str, where: Message | View, action: Json) -> Json:
        """Ask the app for the options of an external select."""
        block, element = self._find(blocks_of(where), action)
        inside = (
            self._in_view(where) if isinstance(where, View) else self._in_message(user_id, where)
        )
        payload = {
            "type": "block_suggestion",
            **self._person(user_id),
            **inside,
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "value": str(action.get("value") or ""),
        }
        answer = await self._slack.deliveries.ask("interactive", payload)
        given: Json = {
            k: answer.payload[k] for k in ("options", "option_groups") if k in answer.payload
        }
        return {"ok": answer.acked, "acked": answer.acked, **given}

    def _find(self, blocks: list[Json], action: Json) -> tuple[Json, Json]:
        """The element pressed, which may have gone since the page drew it."""
        for block, element in elements_of(blocks):
            same_block = action.get("block_id") in (None, "", block.get("block_id"))
            same = element["action_id"] == action.get("action_id") and same_block
            if same and offers(element, action.get("value")):
                return block, element
        raise Refused("stale")

    def _action(self, block: Json, element: Json, action: Json) -> Json:
        """The `actions[0]` of a block_actions payload."""
        happened: Json = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "action_ts": self._slack.workspace.new_ts(),
        }
        if element["type"] == "feedback_buttons":
            return {**happened, "value": str(action.get("value"))}
        for name in ("text", "value", "style", "url"):
            if name in element:
                happened[name] = element[name]
        selected = action.get("selected", action.get("value"))
        chosen = choice(element, selected)
        if chosen is None:
            raise Refused("stale")
        return {**happened, **chosen}

    def _person(self, user_id: str) -> Json:
        """Who acts, with the trigger that lets the app answer with a modal."""
        world, user = self._slack.workspace.world, self._slack.workspace.user(user_id)
        team_name = world.team["domain"]
        return {
            "token": "local",
            "user": {
                "id": user.id,
                "username": user.name,
                "name": user.name,
                "team_id": user.team_id,
            },
            "api_app_id": world.app.id,
            "team": {"id": world.team["id"], "domain": team_name},
            "enterprise": None,
            "is_enterprise_install": False,
            "trigger_id": self._slack.triggers.issue(user_id),
        }

    def _in_message(self, user_id: str, message: Message) -> Json:
        """Where a click in a message happened. A whisper's content is not sent along."""
        channel = self._slack.workspace.channel(message.channel)
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": message.ephemeral_to is not None,
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        name = "directmessage" if channel.kind == "dm" else channel.name
        place: Json = {
            "container": container,
            "channel": {"id": channel.id, "name": name},
            "state": {"values": initial_values(message.all_blocks)},
            "response_url": self._slack.responses.issue(channel.id, user_id, message),
        }
        if message.ephemeral_to:
            return place
        return {**place, "message": self._slack.present.message(message)}

    def _in_view(self, view: View) -> Json:
        """Where a click in a view happened."""
        return {
            "container": {"type": "view", "view_id": view.id},
            "view": self._slack.present.view(view),
        }

    def _respond(self, view: View, answer: Json) -> Json:
        """Do with a submitted modal what the app said."""
        action = answer.get("response_action")
        if action is None:
            self._slack.views.close(view)
        elif action == "clear":
            self._slack.views.close(view, everything=True)
        elif action == "errors":
            return self._field_errors(view, answer.get("errors"))
        elif action in ("update", "push"):
            return self._next_view(view, action, answer.get("view"))
        else:
            self._complain("unknown response_action", action)
            return {"ok": False, "error": "invalid_response"}
        return {"ok": True, "response_action": action}

    def _field_errors(self, view: View, errors: Any) -> Json:
        """Messages under fields, which have to exist."""
        known = {block["block_id"] for block in view.blocks if block.get("type") == "input"}
        if not isinstance(errors, dict) or not errors or not set(errors) <= known:
            self._complain("errors must name input blocks", errors)
            return {"ok": False, "error": "invalid_response"}
        self._slack.views.show_errors(view, errors)
        return {"ok": False, "response_action": "errors", "errors": errors}

    def _next_view(self, view: View, action: str, described: Any) -> Json:
        """Another view in place of this one, or on top."""
        try:
            if action == "update":
                self._slack.views.update(view, described)
            else:
                self._slack.views.push(view.user, described)
        except Refused as refusal:
            self._slack.stats.refused("view_submission", refusal)
            return {"ok": False, "error": "invalid_response"}
        return {"ok": True, "response_action": action}

    def _complain(self, error: str, detail: Any) -> None:
        self._slack.stats.complain("view_submission", error, str(detail)[:500])


def problems_with_menu(menu: Json) -> list[str]:
    """What is wrong with the options that an app suggests."""
    element = {"type": "static_select", "action_id": "suggested", **menu}
    block: Json = {"type": "actions", "elements": [element]}
    empty = not any(menu.get(name) for name in MENU)
    return [] if empty else [str(problem) for problem in problems_of([block])]


def blocks_of(where: Message | View) -> list[Json]:
    """Everything that can hold an element."""
    return where.all_blocks if isinstance(where, Message) else where.blocks


def offers(element: Json, value: Any) -> bool:
    """Whether the element has this value, if one was given."""
    if value is None or element["type"] not in ("button", "icon_button", "feedback_buttons"):
        return True
    if element["type"] == "feedback_buttons":
        sides = (element["positive_button"], element["negative_button"])
        return value in [side["value"] for side in sides]
    return bool(element.get("value", "") == value)


def with_choice(values: Json, happened: Json) -> Json:
    """State in which the choice just made counts."""
    block = values.get(happened["block_id"])
    if block is None or happened["action_id"] not in block:
        return values
    changed = {**block, happened["action_id"]: state_of(happened)}
    return {**values, happened["block_id"]: changed}


def state_of(happened: Json) -> Json:
    """What a choice in a view leaves in its state."""
    left_out = ("action_id", "block_id", "action_ts", "text", "style", "url")
    return {name: value for name, value in happened.items() if name not in left_out}
