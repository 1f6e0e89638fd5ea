"""A signed token (RFC 7515, 7519), read strictly: nothing of it is believed before its signature.

The algorithm is chosen by the key, never by the token, and every key comes from the issuer of the
settings: `jku`, `x5u`, `jwk` and `x5c` of a header mean nothing here.
"""

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import Any

from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from engine.directory.oidc.keys import LONGEST_ID, Key
from engine.errors import Unidentified

LONGEST = 16 * 1024
PARTS = re.compile(r"([A-Za-z0-9_-]{1,4096})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
LATEST = 253402300799  # the last second that a date can hold
_SIGNATURES = PyJWS()


class Header:
    """What the token says about itself, as far as we listen."""

    def __init__(self, token: str) -> None:
        match = PARTS.fullmatch(token) if len(token) <= LONGEST else None
        if match is None:
            raise Unidentified("This is no signed token.")
        given = strict(decoded(match[1]), "header")
        if "crit" in given or "b64" in given or "zip" in given:
            raise Unidentified("The token's header asks for something that is not done here.")
        self.algorithm = text(given, "alg", LONGEST_ID)
        self.key_id = text(given, "kid", LONGEST_ID)
        kind = given.get("typ", "JWT")
        if not isinstance(kind, str) or len(kind) > LONGEST_ID:
            raise Unidentified("The token's header has a `typ` that is no text.")
        self.kind = kind.lower().removeprefix("application/")


def payload(token: str, header: Header, key: Key) -> dict[str, Any]:
    """The claims of a token that this key has signed. Raises `Unidentified`."""
    if header.algorithm not in key.algorithms:
        raise Unidentified("The token is signed with an algorithm that its key is not made for.")
    try:
        body = _SIGNATURES.decode(token, key.public, algorithms=[header.algorithm])
    except (PyJWTError, ValueError, RecursionError):
        raise Unidentified("The token's signature is wrong.") from None
    return strict(body, "content")


def strict(body: bytes, what: str) -> dict[str, Any]:
    """A JSON object without a name that is there twice. Raises `Unidentified`."""
    try:
        found = json.loads(body, object_pairs_hook=once, parse_constant=no_number)
    except (ValueError, RecursionError):
        raise Unidentified(f"The token's {what} can't be read.") from None
    if not isinstance(found, dict):
        raise Unidentified(f"The token's {what} is no object.")
    return found


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises `ValueError` for a name that is there twice: two readers could read two things."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def no_number(name: str) -> float:
    """NaN and the infinities are no JSON."""
    raise ValueError(name)


def decoded(part: str) -> bytes:
    """Base64url without padding. Raises `Unidentified`."""
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise Unidentified("The token can't be read.") from None


def text(given: dict[str, Any], name: str, limit: int = 255) -> str:
    """A text that must be there. Raises `Unidentified`."""
    found = given.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= limit or not found.isprintable():
        raise Unidentified(f"The token's `{name}` is missing, or no text that can be used.")
    return found


def optional(given: dict[str, Any], name: str) -> str:
    """A text, or nothing. Raises `Unidentified`."""
    return text(given, name) if given.get(name) is not None else ""


def moment(given: dict[str, Any], name: str) -> datetime:
    """A NumericDate that must be there. Raises `Unidentified`."""
    found = given.get(name)
    number = isinstance(found, int | float) and not isinstance(found, bool)
    if not number or not 0 <= found <= LATEST:  # type: ignore[operator]  # checked to be a number
        raise Unidentified(f"The token's `{name}` is missing, or no time.")
    return datetime.fromtimestamp(float(found), UTC)  # type: ignore[arg-type]  # the same
