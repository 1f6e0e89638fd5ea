"""The issuer's signing keys: made at start, replaced on request, old ones published for a while."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

ALGORITHM = "RS256"
BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key pair with its id."""

    id: str
    private: RSAPrivateKey

    def published(self) -> dict[str, Any]:
        """The public half as a JWK."""
        public = json.loads(RSAAlgorithm.to_jwk(self.private.public_key()))
        return {**public, "kid": self.id, "use": "sig", "alg": ALGORITHM}


def new_key() -> SigningKey:
    """A key pair that nobody has seen before."""
    private = generate_private_key(public_exponent=65537, key_size=BITS)
    return SigningKey(secrets.token_hex(8), private)


@dataclass(slots=True)
class Keys:
    """The newest one signs; `keep` old ones are still published."""

    keep: int = 1
    held: list[SigningKey] = field(default_factory=lambda: [new_key()])

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self.held = [new_key(), *self.held][: self.keep + 1]

    def sign(self, claims: dict[str, Any], kind: str = "JWT") -> str:
        """A token of these claims."""
        newest = self.held[0]
        headers = {"kid": newest.id, "typ": kind}
        return jwt.encode(claims, newest.private, ALGORITHM, headers=headers)

    def published(self) -> dict[str, Any]:
        """The key set."""
        return {"keys": [one.published() for one in self.held]}
