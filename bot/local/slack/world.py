"""Who and what exists at the start, read from a YAML file."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.local.slack.model import Channel, Json, User, UserGroup

SHIPPED = Path(__file__).with_name("world.yaml")


@dataclass(frozen=True, slots=True)
class App:
    """Our app as the workspace knows it."""

    id: str
    name: str
    bot_id: str
    bot_user: str
    bot_token: str
    app_token: str


@dataclass(frozen=True, slots=True)
class World:
    """One workspace before anything has happened in it."""

    team: Json
    other_teams: dict[str, str]
    app: App
    users: tuple[User, ...]
    usergroups: tuple[UserGroup, ...]
    channels: tuple[Channel, ...]
    commands: tuple[Json, ...]
    shortcuts: tuple[Json, ...]
    emoji: dict[str, str]


def load_world(path: Path = SHIPPED) -> World:
    """Read a world file. The person's direct conversation with the bot is made for everybody."""
    raw: Json = yaml.safe_load(path.read_text(encoding="utf-8"))
    team, app = raw["team"], App(**raw["app"])
    users = tuple(user_of(each, team["id"]) for each in raw["users"])
    channels = tuple(channel_of(each) for each in raw["channels"])
    return World(
        team=team,
        other_teams=raw.get("other_teams", {}),
        app=app,
        users=users,
        usergroups=tuple(group_of(each) for each in raw.get("usergroups", ())),
        channels=(*channels, *(dm_of(user, app.bot_user) for user in users if may_have_dm(user))),
        commands=tuple(raw.get("commands", ())),
        shortcuts=tuple(raw.get("shortcuts", ())),
        emoji=raw.get("emoji", {}),
    )


def user_of(raw: Json, team_id: str) -> User:
    """A user of our team unless the file names another one."""
    return User(**{"team_id": team_id, **raw, "color": str(raw.get("color", "808080"))})


def group_of(raw: Json) -> UserGroup:
    """A user group."""
    return UserGroup(**{**raw, "members": tuple(raw.get("members", ()))})


def channel_of(raw: Json) -> Channel:
    """A channel."""
    return Channel(**{**raw, "members": tuple(raw.get("members", ()))})


def may_have_dm(user: User) -> bool:
    """Strangers reach the app in shared channels only."""
    return not user.is_bot and not user.is_stranger


def dm_of(user: User, bot_user: str) -> Channel:
    """The direct conversation of a person with the bot."""
    return Channel(
        id=f"D{user.id[1:]}",
        name=user.name,
        kind="dm",
        members=(user.id, bot_user),
        is_private=True,
    )
