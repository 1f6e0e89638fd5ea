"""The manifest names what the app listens to and calls, and nothing else."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.blocks import actions as ids
from bot.slack.app import Workspace, features
from bot.slack.arrivals import DIRECT_EVENTS, EVENTS
from bot.slack.services import Services

ROOT = Path(__file__).parents[2]
VIEWS = {ids.GLASS, ids.WORKFLOW_STARTED, ids.REJECT_REASON, ids.EDITED, ids.RATE_WORDS}
WORKSPACE = Workspace("T0", "Acme", "U0", "B0")
# Which scope each Web API method of ours needs; auth.test, views.* need none.
SCOPES = {
    "chat_postMessage": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_update": {"chat:write"},
    "reactions_add": {"reactions:write"},
    "files_upload_v2": {"files:write"},
    "api_call": {"chat:write"},  # agents.sessions.setStatus, which the SDK has no name for
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
    "conversations_info": {"channels:read", "groups:read"},
    "users_info": {"users:read"},
    "views_publish": set(),
    "views_open": set(),
    "auth_test": set(),
    "apps_connections_open": set(),
}
EVENT_SCOPES = {
    "app_mention": {"app_mentions:read"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
    "reaction_added": {"reactions:read"},
    "reaction_removed": {"reactions:read"},
    "user_change": {"users:read"},
    "app_home_opened": set(),
    "agent_session_stopped": set(),
}


class Unused:
    """Nothing of it is called while listeners are registered, but for what help tells."""

    def examples(self) -> list[str]:
        return []

    def __getattr__(self, name: str) -> Any:
        return self


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "deploy/slack-manifest.yaml").read_text())
    return loaded


class Registered:
    """Stands in for the app and writes down what is listened to."""

    def __init__(self) -> None:
        self.names: dict[str, set[str]] = {}

    def __getattr__(self, kind: str) -> Any:
        def listen(name: str) -> Any:
            self.names.setdefault(kind, set()).add(name)
            return lambda listener: listener

        return listen


@pytest.fixture(scope="module")
def registered() -> Registered:
    unused: Any = Unused()
    services = Services(**{each.name: unused for each in fields(Services)})
    app: Any = Registered()
    for feature in features(unused, WORKSPACE, unused, unused, services):
        feature.register(app)
    made: Registered = app
    return made


def test_events_and_listeners_agree(manifest: dict[str, Any], registered: Registered) -> None:
    subscribed = manifest["settings"]["event_subscriptions"]["bot_events"]

    assert {event.split(".")[0] for event in subscribed} == registered.names["event"]
    assert registered.names["event"] == EVENTS.keys() | DIRECT_EVENTS


def test_commands_and_shortcuts_agree(manifest: dict[str, Any], registered: Registered) -> None:
    commands = {each["command"] for each in manifest["features"]["slash_commands"]}
    shortcuts = {each["callback_id"] for each in manifest["features"]["shortcuts"]}

    assert commands == registered.names["command"]
    assert shortcuts == registered.names["shortcut"]


def test_every_action_that_blocks_show_has_a_listener(registered: Registered) -> None:
    named = [each for name, each in vars(ids).items() if name.isupper()]
    single = {each for each in named if isinstance(each, str) and "." in each}
    rows = {one for each in named if isinstance(each, tuple | dict) for one in each}

    assert registered.names["action"] == (single | rows) - VIEWS
    assert registered.names["view"] == VIEWS


def test_scopes_are_those_of_the_calls_and_events(manifest: dict[str, Any]) -> None:
    sources = [path.read_text() for path in (ROOT / "bot/slack").glob("*.py")]
    called = set().union(*(re.findall(r"client\.([a-z]+_\w+)", each) for each in sources)) - {
        "base_url"
    }
    subscribed = manifest["settings"]["event_subscriptions"]["bot_events"]
    needed = {"commands", "im:write"}  # the slash command; a whisper that goes to the person
    for method in called:
        needed |= SCOPES[method]  # a KeyError: say above which scope a new method needs
    for event in subscribed:
        needed |= EVENT_SCOPES[event]

    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed


def test_lengths_are_within_slacks_limits(manifest: dict[str, Any]) -> None:
    shown = manifest["display_information"]

    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert all(len(each["name"]) <= 24 for each in manifest["features"]["shortcuts"])
    assert manifest["settings"]["socket_mode_enabled"]
