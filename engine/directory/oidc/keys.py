"""Public keys of an identity provider: what of a key set can be used, and for which algorithms."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

MOST_KEYS = 32
LONGEST_ID = 200
SMALLEST_RSA, LARGEST_RSA = 2048, 8192
PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
READERS: Mapping[str, type[RSAAlgorithm | ECAlgorithm | OKPAlgorithm]] = {
    "RSA": RSAAlgorithm,
    "EC": ECAlgorithm,
    "OKP": OKPAlgorithm,
}


@dataclass(frozen=True, slots=True)
class Key:
    """One public key, with the algorithms that it may be used with, whatever a token says."""

    public: PublicKey
    algorithms: frozenset[str]


def usable(document: object, allowed: Iterable[str]) -> dict[str, Key]:
    """Keys that verify signatures, by id. What is unfit, or shares its id, is left out."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        return {}
    found = [(name, key) for one in listed if (name := name_of(one)) and (key := read(one))]
    names = Counter(name_of(one) for one in listed)
    wanted = frozenset(allowed)
    return {
        name: Key(key.public, key.algorithms & wanted)
        for name, key in found
        if names[name] == 1 and key.algorithms & wanted
    }


def name_of(given: object) -> str:
    """The key's id; empty where it has none that can be used."""
    name = given.get("kid") if isinstance(given, dict) else None
    fits = isinstance(name, str) and 0 < len(name) <= LONGEST_ID and name.isprintable()
    return str(name) if fits else ""


def read(given: dict[str, Any]) -> Key | None:
    """A public signature key; None for what is anything else."""
    reader = READERS.get(str(given.get("kty")))
    if reader is None or "d" in given or given.get("use", "sig") != "sig":
        return None
    operations = given.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        public = reader.from_jwk(given)
    except (InvalidKeyError, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return None
    if not isinstance(public, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey):
        return None
    algorithms = fitting(public)
    said = given.get("alg")
    return Key(public, algorithms & {said} if isinstance(said, str) else algorithms)


def fitting(public: PublicKey) -> frozenset[str]:
    """The algorithms that a key is made for; none where it is too weak or too large."""
    if isinstance(public, RSAPublicKey):
        return RSA if SMALLEST_RSA <= public.key_size <= LARGEST_RSA else frozenset()
    if isinstance(public, EllipticCurvePublicKey):
        return frozenset(filter(None, [CURVES.get(public.curve.name)]))
    return frozenset({"EdDSA"})
