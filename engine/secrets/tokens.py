"""Service tokens: random, shown once, stored as a hash."""

import hmac
import secrets
from hashlib import sha256

PREFIX = "cpt_"


def make_token() -> str:
    """A new token with 256 bits of chance in it."""
    return PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored. A plain hash is enough: nobody can guess what chance made."""
    return sha256(token.encode()).hexdigest()


def same_token(token: str, stored: str) -> bool:
    """Whether a token is the one with this hash, in a time that tells nothing."""
    return hmac.compare_digest(token_hash(token), stored)
