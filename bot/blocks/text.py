"""Words from anywhere, made safe to show in Slack.

`outside` is for data (titles, names, output); `told` is for sentences of our own services, which
may hold tokens: `{@slack:TEAM:USER}`, `{@group:NAME}`, `{@time:UNIX}`,
`{@when:UNIX}`. Nothing else becomes markup.
"""

import re
import unicodedata

from bot.blocks import moments

CONTROL = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
KEPT = frozenset("\n\t")
# Colours, cursor moves, titles and links of terminals, with whatever begins and ends them.
TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
FENCE = re.compile(r"`{3,}")
# An underscore inside a word, as in pool_size, is no formatting and stays.
STYLED = re.compile(r"[*~`]|(?<!\w)_+|_+(?!\w)")
LOOK_ALIKES = str.maketrans({"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb"})
TOKEN = re.compile(r"\{@(slack|group|time|when):([^{}\s]{1,80})\}")
SLACK_ID = re.compile(r"^[A-Z0-9]{2,20}:([UWS][A-Z0-9]{2,20})$")


def clean(text: str, limit: int = 3000) -> str:
    """Plain text: no terminal sequences, no control, zero-width or bidirectional characters.

    Its length is bounded too.
    """
    kept = "".join(
        each
        for each in TERMINAL.sub("", text[: limit * 4])
        if each in KEPT or unicodedata.category(each) not in CONTROL
    )
    return shorten(kept.replace("\t", "  "), limit)


def shorten(text: str, limit: int) -> str:
    """Cut at `limit` characters; an ellipsis tells that something is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def escape(text: str) -> str:
    """Slack's three: with them escaped no mention, link or date can be formed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def outside(text: str, limit: int = 3000) -> str:
    """Data inside mrkdwn: cleaned, fences broken, escaped; never longer than `limit`."""
    return within(FENCE.sub("``", clean(text, limit)), limit)


def within(text: str, limit: int) -> str:
    """Escape, then cut so that the escaped form fits and no entity is torn."""
    escaped = escape(text)
    if len(escaped) <= limit:
        return escaped
    return re.sub(r"&[a-z]{0,3}$", "", escaped[: limit - 1]) + "…"


def one_line(text: str, limit: int = 150) -> str:
    """Data on one line, not escaped: for plain_text objects."""
    return shorten(" ".join(clean(text, limit * 2).split()), limit)


def quoted(text: str, limit: int = 300) -> str:
    """Data inside a sentence that goes through `told` later: on one line, without tokens."""
    return one_line(text, limit).replace("{@", "{ @")


def line(text: str, limit: int = 300) -> str:
    """Data on one line of mrkdwn; its formatting characters mean nothing."""
    return within(STYLED.sub(unstyled, one_line(text, limit)), limit)


def unstyled(match: re.Match[str]) -> str:
    """Formatting characters as look-alikes that Slack takes as they are."""
    return match.group().translate(LOOK_ALIKES)


def told(text: str, limit: int = 3000) -> str:
    """A sentence of ours: escaped, then its tokens turned into mentions and times."""
    return TOKEN.sub(token, outside(text, limit))


def token(match: re.Match[str]) -> str:
    """What a token shows; one that is malformed shows its plain value."""
    kind, value = match.group(1), match.group(2)
    if kind == "slack":
        return mention(value)
    if kind == "group":
        return f"*{value}*"
    if not value.isdigit():
        return value
    return moments.time_of(int(value)) if kind == "time" else moments.when(int(value))


def mention(account: str) -> str:
    """A mention of `TEAM:ID`, where the id is a user's or a user group's."""
    found = SLACK_ID.match(account)
    if found is None:
        return account
    slack_id = found.group(1)
    return f"<!subteam^{slack_id}>" if slack_id.startswith("S") else f"<@{slack_id}>"


def spoken(text: str) -> str:
    """A sentence of ours where no markup can be: plain_text and files. Never for `text` fields."""
    plain = re.sub(r":[a-z0-9_+-]+: ?", "", text)
    plain = re.sub(r"<!date\^\d+\^[^|>]*\|([^>]*)>", r"\1", plain)
    plain = re.sub(r"<(?:@|!subteam\^)([A-Z0-9]+)>", r"@\1", plain)
    plain = plain.replace("*", "").replace("`", "")
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
