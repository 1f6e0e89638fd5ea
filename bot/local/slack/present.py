"""How the API and the page describe what exists."""

from dataclasses import dataclass

from bot.local.slack.model import Channel, File, Json, Message, Reaction, User, UserGroup, View
from bot.local.slack.workspace import Workspace

PREVIEW_LINES, PREVIEW_CHARACTERS = 20, 2000


@dataclass(frozen=True, slots=True)
class Presenter:
    """Turns our values into Slack's JSON."""

    workspace: Workspace
    url: str

    def message(self, message: Message) -> Json:
        """A message as the API and events show it."""
        shown: Json = {"type": "message", "ts": message.ts, "text": message.text}
        if message.user:
            shown["user"] = message.user
            shown["team"] = self.workspace.users[message.user].team_id
        optional = {
            "subtype": message.subtype,
            "thread_ts": message.thread_ts,
            "client_msg_id": message.client_msg_id,
            "blocks": message.blocks,
            "attachments": message.attachments,
            "edited": message.edited,
            "metadata": message.metadata,
            "reactions": [reaction(each) for each in message.reactions],
            "files": [self.file(self.workspace.files[each]) for each in message.files],
        }
        shown.update({name: value for name, value in optional.items() if value})
        if message.bot_id:
            shown.update(self.bot_fields(message.bot_id))
        return {**shown, **self.thread_fields(message)}

    def bot_fields(self, bot_id: str) -> Json:
        """Who wrote it, when an app did."""
        app = self.workspace.world.app
        profile = {"id": bot_id, "app_id": app.id, "name": app.name, "deleted": False}
        return {"bot_id": bot_id, "app_id": app.id, "bot_profile": profile}

    def thread_fields(self, message: Message) -> Json:
        """What a root message says about its thread, and a reply about its root."""
        if message.is_reply:
            root = self.workspace.messages[message.channel].get(str(message.thread_ts))
            return {"parent_user_id": root.user} if root and root.user else {}
        replies = self.workspace.replies(message.channel, message.ts)
        if not replies:
            return {}
        people = list(dict.fromkeys(each.user for each in replies if each.user))
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users": people,
            "reply_users_count": len(people),
            "latest_reply": replies[-1].ts,
        }

    def page_message(self, message: Message) -> Json:
        """A message as the page draws it."""
        replies = (
            0 if message.is_reply else len(self.workspace.replies(message.channel, message.ts))
        )
        return {
            "channel": message.channel,
            "ts": message.ts,
            "thread_ts": message.thread_ts,
            "user": message.user,
            "bot_id": message.bot_id,
            "text": message.text,
            "blocks": message.blocks,
            "attachments": message.attachments,
            "reactions": [reaction(each) for each in message.reactions],
            "files": [self.page_file(self.workspace.files[each]) for each in message.files],
            "edited": message.edited is not None,
            "subtype": message.subtype,
            "ephemeral_to": message.ephemeral_to,
            "reply_count": replies,
            "streaming": self.workspace.is_streaming(message),
            "metadata": message.metadata,
            **message.unfurl,
        }

    def file(self, file: File) -> Json:
        """A file as the API shows it."""
        shared = {
            "id": file.id,
            "created": file.created,
            "timestamp": file.created,
            "name": file.name,
            "title": file.title,
            "mimetype": file.mimetype,
            "filetype": file.snippet_type or file.name.rpartition(".")[2] or "binary",
            "pretty_type": file.mimetype,
            "user": file.user,
            "size": file.length,
            "mode": "snippet" if file.snippet_type else "hosted",
            "is_external": False,
            "is_public": True,
            "url_private": f"{self.url}{path_of(file)}",
            "url_private_download": f"{self.url}{path_of(file)}",
            "permalink": f"{self.url}/files/{file.user}/{file.id}",
        }
        return {**shared, "preview": preview(file)}

    def page_file(self, file: File) -> Json:
        """A file as the page draws it."""
        return {
            "id": file.id,
            "name": file.name,
            "title": file.title,
            "mimetype": file.mimetype,
            "size": file.length,
            "url": path_of(file),
            "preview": preview(file),
        }

    def user(self, user: User, *, locale: bool = False) -> Json:
        """A person as users.info shows them; strangers show no address."""
        profile: Json = {
            "real_name": user.real_name,
            "display_name": user.name,
            "real_name_normalized": user.real_name,
            "display_name_normalized": user.name,
            "team": user.team_id,
        }
        if user.email and not user.is_stranger:
            profile["email"] = user.email
        shown: Json = {
            "id": user.id,
            "team_id": user.team_id,
            "name": user.name,
            "real_name": user.real_name,
            "deleted": user.deleted,
            "color": user.color,
            "tz": user.tz,
            "tz_label": user.tz,
            "tz_offset": user.tz_offset,
            "profile": profile,
            "is_admin": user.is_admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": user.is_restricted,
            "is_ultra_restricted": False,
            "is_bot": user.is_bot,
            "is_app_user": False,
            "is_email_confirmed": bool(user.email),
            "updated": 0,
        }
        if user.is_stranger:
            shown["is_stranger"] = True
        return {**shown, "locale": user.locale} if locale else shown

    def channel(self, channel: Channel, *, members: bool = False) -> Json:
        """A conversation as conversations.info shows it."""
        if channel.kind == "dm":
            person = next(m for m in channel.members if m != self.workspace.bot.id)
            return {"id": channel.id, "is_im": True, "user": person, "created": channel.created}
        shown: Json = {
            "id": channel.id,
            "name": channel.name,
            "name_normalized": channel.name,
            "is_channel": not channel.is_private,
            "is_group": channel.is_private,
            "is_im": False,
            "is_mpim": False,
            "is_private": channel.is_private,
            "is_archived": channel.is_archived,
            "is_general": channel.name == "general",
            "is_shared": channel.is_ext_shared,
            "is_org_shared": False,
            "is_ext_shared": channel.is_ext_shared,
            "is_pending_ext_shared": False,
            "is_member": self.workspace.bot.id in channel.members,
            "created": channel.created,
            "creator": channel.creator,
            "context_team_id": self.workspace.team_id,
            "topic": {"value": channel.topic, "creator": "", "last_set": 0},
            "purpose": {"value": channel.purpose, "creator": "", "last_set": 0},
        }
        return {**shown, "num_members": len(channel.members)} if members else shown

    def page_channel(self, channel: Channel) -> Json:
        """A conversation as the page lists it."""
        return {
            "id": channel.id,
            "name": channel.name,
            "kind": channel.kind,
            "is_ext_shared": channel.is_ext_shared,
            "is_archived": channel.is_archived,
            "topic": channel.topic,
            "members": list(channel.members),
        }

    def group(self, group: UserGroup) -> Json:
        """A user group."""
        return {
            "id": group.id,
            "team_id": self.workspace.team_id,
            "is_usergroup": True,
            "name": group.name,
            "handle": group.handle,
            "description": "",
            "is_external": False,
            "date_delete": 0,
            "user_count": len(group.members),
        }

    def view(self, view: View) -> Json:
        """A view as views.open and interactions show it."""
        return {
            "id": view.id,
            "team_id": self.workspace.team_id,
            "type": view.type,
            "blocks": view.blocks,
            "private_metadata": view.private_metadata,
            "callback_id": view.callback_id,
            "external_id": view.external_id,
            "state": {"values": view.values},
            "hash": view.hash,
            "title": view.title,
            "submit": view.submit,
            "close": view.close,
            "clear_on_close": view.clear_on_close,
            "notify_on_close": view.notify_on_close,
            "root_view_id": view.root_id or view.id,
            "previous_view_id": view.previous_id,
            "app_id": self.workspace.world.app.id,
            "app_installed_team_id": self.workspace.team_id,
            "bot_id": self.workspace.world.app.bot_id,
        }


def reaction(each: Reaction) -> Json:
    """One reaction."""
    return {"name": each.name, "users": list(each.users), "count": len(each.users)}


def path_of(file: File) -> str:
    """Where the file is served."""
    return f"/files/{file.id}/{file.name}"


def preview(file: File) -> str:
    """The first lines of a text."""
    if file.content is None or not (file.mimetype.startswith("text/") or file.snippet_type):
        return ""
    lines = file.content.decode("utf-8", "replace").splitlines()[:PREVIEW_LINES]
    return "\n".join(lines)[:PREVIEW_CHARACTERS]
