"""Output that is all secret, as of Vault's reads: names stay, every value goes."""

import json

import re2

from engine.tools.redaction.masks import MASK, MASKED

SAFE = re2.compile(
    rb"(?i)^(?:apiversion|kind|name|namespace|type|creationtimestamp|resourceversion|uid|generation|lease_\w+|request_id"
    rb"|renewable|version|created_?(?:time|date)|deletion_time|destroyed|arn|versionid|versionstages|path|mount_type|data|metadata|items|auth|warnings|wrap_info)$"
)
PAIR = re2.compile(rb"^([\s-]*(?:export )?[\"']?)([\w.\-/]+)([\"']?\s*[:=]\s*)(.*)$")
ROW = re2.compile(rb"^(\s*)([\w.\-/]+)(\s{2,}|\t)(\S.*)$")
FRAME = re2.compile(rb"^[\s{}\[\],|+=-]*$|^=+ [\w ]+ =+$|^\s*Key\s+Value\s*$")
OPENS = re2.compile(rb"^[|>][+-]?$|^[\[{]$|^\{\}$|^\[\]$|^$")


def valueless(data: bytes) -> bytes:
    """The line without any value; what is no pair of name and value goes as a whole."""
    if FRAME.match(data) or data.strip() == MASKED:
        return data
    stripped = data.strip()
    if stripped[:1] in b"{[" and len(stripped) > 1:
        return _document(stripped)
    pair = PAIR.match(data) or ROW.match(data)
    if pair is None:
        return MASKED
    value = pair[4].strip().rstrip(b",")
    if OPENS.match(value) or SAFE.match(pair[2]):
        return data
    return b"".join((pair[1], pair[2], pair[3], MASKED))


def _document(text: bytes) -> bytes:
    try:
        return json.dumps(_emptied(json.loads(text), "", 0), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return MASKED


def _emptied(value: object, name: str, depth: int) -> object:
    if isinstance(value, dict) and depth < 50:
        return {key: _emptied(inner, str(key), depth + 1) for key, inner in value.items()}
    if isinstance(value, list) and depth < 50:
        return [_emptied(inner, name, depth + 1) for inner in value]
    if value is None or isinstance(value, bool) or SAFE.match(name.encode()):
        return value
    return MASK
