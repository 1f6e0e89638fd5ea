"""Tells values that a machine drew by lot from names, words, versions and digests."""

import base64
import binascii
from itertools import pairwise

import re2

UUID = re2.compile(
    rb"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
)
HEX = re2.compile(rb"^(?:0x)?(?:[0-9a-f]{20,}|[0-9A-F]{20,})$")
# Names that Kubernetes makes, dates, hosts, files, versions.
NAMED = re2.compile(
    rb"(?:-[a-f0-9]{8,10}-[a-z0-9]{5}$|^[0-9]{4}-[0-9]{2}-[0-9]{2}|^[0-9.:Z+TeE_-]+$"
    rb"|^(?:[a-z0-9-]+\.)+[a-z]{2,10}(?::[0-9]+)?(?:/|$)|^[a-z]+://|^v?[0-9]+(?:\.[0-9]+)+"
    rb"|\.(?:json|ya?ml|txt|html?|js|go|py|java|cer|crt|p12|pem|svg|png|exe|dll)$"
    rb"|^/[a-z]+/|^\.{0,2}/|^(?:sha(?:1|256|512)|md5|h1)[-:]|^arn:|^urn:|^ssh-|^projects/)"
)
ALPHABET = re2.compile(rb"(?i)(?:abcdefgh|0123456789|123456789|qwertyuiop)")
SEGMENT = re2.compile(rb"[A-Za-z0-9]+")
CANDIDATE = re2.compile(rb"[A-Za-z0-9+/=_~.%@!$^*:|-]{10,}")
EDGES = b".:,;|=*!/-"
_CLASS = bytes(
    1 if 48 <= code <= 57 else 2 if 97 <= code <= 122 else 3 if 65 <= code <= 90 else 0
    for code in range(256)
)


def drawn(value: bytes, *, shortest: int = 16, strict: bool = True) -> bool:
    """Whether a value looks drawn by lot; `strict` leaves digests and UUIDs alone."""
    if len(value) < shortest or len(value) > 4096 or NAMED.search(value):
        return False
    if UUID.match(value) or HEX.match(value):
        return not strict
    if strict and ALPHABET.match(value):
        return False
    return _mixed(value)


def _mixed(value: bytes) -> bool:
    """Digits, small and capital letters change places more often than in words and names."""
    random = total = 0
    for match in SEGMENT.finditer(value):
        segment = match[0]
        total += len(segment)
        classes = segment.translate(_CLASS)
        changes = sum(1 for one, two in pairwise(classes) if one != two)
        if (len(segment) >= 4 and 1 in classes and changes * 5 >= len(segment)) or (
            len(segment) >= 20 and changes * 20 >= len(segment) * 9
        ):
            random += len(segment)
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
