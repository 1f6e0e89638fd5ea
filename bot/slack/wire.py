"""Slack's wire form of what people type -> plain words."""

import re

LONGEST = 4000
MARKED = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")


def words(text: str, bot_user: str) -> str:
    """Without mentions of us; links, channels and people become what they stand for."""
    said = as_typed(text.replace(f"<@{bot_user}>", " "))
    return re.sub(r"[ \t]{2,}", " ", said).strip()[:LONGEST]


def as_typed(text: str) -> str:
    """With every space and line break where it was."""
    said = MARKED.sub(plain, text)
    return said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def plain(match: re.Match[str]) -> str:
    """`<#C1|ops>` -> `#ops`, `<@U1>` -> `@U1`, `<https://a|b>` -> `https://a`."""
    target, label = match.group(1), match.group(2)
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith("@"):
        return f"@{label or target[1:]}"
    if target.startswith("!"):
        return label or target[1:].split("^")[0]
    return target
