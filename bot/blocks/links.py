"""Addresses of messages, as Slack makes them, and claims that lead to what shows them."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from bot.blocks.text import escape
from engine.domain.conversation import Post

# A claim points to a result by its number.
CITED = re.compile(r"\[(\d{1,3})\]")
# So many of a text lead somewhere, each in at most so many characters.
POINTERS, POINTER = 8, 140


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


def pointed(text: str, links: Mapping[int, str]) -> str:
    """Mrkdwn whose `[2]` leads to the message that lists result 2, else stands out.

    `text` is escaped already.
    """
    left = POINTERS

    def pointer(match: re.Match[str]) -> str:
        nonlocal left
        link = links.get(int(match[1]), "")
        if not link or len(link) > POINTER or left < 1:
            return f"*{match[0]}*"
        left -= 1
        return linked(match[0], link)

    return CITED.sub(pointer, text)


def room(text: str) -> int:
    """What its pointers may take, wherever they lead."""
    return min(len(CITED.findall(text)), POINTERS) * POINTER
