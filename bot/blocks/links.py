"""Addresses of messages, as Slack makes them: nobody has to ask for one."""

from urllib.parse import urlencode

from bot.blocks.text import escape
from engine.domain.conversation import Post


def to_message(workspace: str, post: Post) -> str:
    """Where a post is shown; empty while it is not, or where the workspace's address is unknown.

    `workspace` is what `auth.test` tells: `https://acme.slack.com/`.
    """
    if not (workspace and post.ts and post.place.channel):
        return ""
    link = f"{workspace.rstrip('/')}/archives/{post.place.channel}/p{post.ts.replace('.', '')}"
    if post.place.thread in ("", post.ts):
        return link
    inside = urlencode({"thread_ts": post.place.thread, "cid": post.place.channel})
    return f"{link}?{inside}"


def linked(text: str, link: str) -> str:
    """Mrkdwn that leads there; `text` is escaped already."""
    return f"<{escape(link)}|{text.replace('|', '/')}>" if link else text
