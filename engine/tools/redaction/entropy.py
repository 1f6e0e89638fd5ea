"""Tells values that a machine drew by lot from names, words, versions and digests."""

import base64
import binascii
from operator import ne

import re2

UUID_OR_HEX = re2.compile(
    rb"^(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(?:0x)?(?:[0-9a-f]{20,}|[0-9A-F]{20,}))$"
)
# Names that Kubernetes makes, dates, hosts, files, versions.
NAMED = re2.compile(
    rb"(?:-[a-f0-9]{8,10}-[a-z0-9]{5}$|^[0-9]{4}-[0-9]{2}-[0-9]{2}|^[0-9.:Z+TeE_-]+$"
    rb"|^(?:[a-z0-9-]+\.)+[a-z]{2,10}(?::[0-9]+)?(?:/|$)|^[a-z]+://|^v?[0-9]+(?:\.[0-9]+)+"
    rb"|\.(?:json|ya?ml|txt|html?|js|go|py|java|cer|crt|p12|pem|svg|png|exe|dll)$"
    rb"|^/[a-z]+/|^\.{0,2}/|^(?:sha(?:1|256|512)|md5|h1)[-:]|^arn:|^urn:|^ssh-|^projects/)"
)
ALPHABET = re2.compile(rb"(?i)(?:abcdefgh|0123456789|123456789|qwertyuiop)")
CANDIDATE = re2.compile(rb"[A-Za-z0-9+/=_~.%@!$^*:|-]{10,}")
EDGES = b".:,;|=*!/-"
LETTERS_ALONE = 20
UUID_LENGTH = 36
OTHER, DIGIT = b"\0", 1
_CLASS = bytes(
    1 if 48 <= code <= 57 else 2 if 97 <= code <= 122 else 3 if 65 <= code <= 90 else 0
    for code in range(256)
)


def drawn(value: bytes, *, shortest: int = 16, strict: bool = True) -> bool:
    """Whether a value looks drawn by lot; `strict` leaves digests and UUIDs alone."""
    if len(value) < shortest or len(value) > 4096:
        return False
    classes = value.translate(_CLASS)
    if DIGIT not in classes and len(value) < LETTERS_ALONE:
        return False
    if (value.isalnum() or len(value) == UUID_LENGTH) and UUID_OR_HEX.match(value):
        return not strict
    return (
        _mixed(value, classes)
        and not NAMED.search(value)
        and not (strict and ALPHABET.match(value))
    )


def _mixed(value: bytes, classes: bytes) -> bool:
    """Digits, small and capital letters change places more often than in words and names."""
    random = total = 0
    for segment in classes.split(OTHER):
        if not segment:
            continue
        length = len(segment)
        total += length
        if length < 4:
            continue
        changes = sum(map(ne, segment, segment[1:]))
        if (DIGIT in segment and changes * 5 >= length) or (
            length >= LETTERS_ALONE and changes * 20 >= length * 9
        ):
            random += length
    return random >= 8 and random * 10 >= total * 6


def plain_base64(value: bytes) -> bool:
    """Whether it is the base64 of readable text, or too long to be anything else."""
    if len(value) < 8 or len(value) % 4:
        return False
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(value) >= 40:
        return True
    try:
        return decoded.decode().replace("\n", "").isprintable()
    except UnicodeDecodeError:
        return False
