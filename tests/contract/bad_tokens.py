"""Tokens that must not open the door, each wrong in one way."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as ec_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.local.issuer.keys import SigningKey, new_key

ISSUER, AUDIENCE, CLIENT = "https://id.example", "carapulse-api", "carapulse"
HOUR = 3600


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Mint:
    """Makes tokens: good ones, and ones that are good but for one thing."""

    issuer: str
    key: SigningKey
    other: SigningKey

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Of a good token; None takes a claim away."""
        now = int(time.time())
        good = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "U0ANN",
            "jti": "one",
            "iat": now,
            "nbf": now,
            "exp": now + 300,
        }
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(self, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        headers = {"kid": self.key.id, "typ": "at+jwt", **(header or {})}
        return jwt.encode(self.claims(**claims), self.key.private, "RS256", headers=headers)

    def by_hand(self, header: bytes, body: bytes) -> str:
        """Signed as it is, whatever it holds."""
        said = f"{encoded(header)}.{encoded(body)}"
        return f"{said}.{encoded(self.key.private.sign(said.encode(), PKCS1v15(), SHA256()))}"

    def header(self, **changes: Any) -> bytes:
        given = {"alg": "RS256", "kid": self.key.id, "typ": "at+jwt", **changes}
        return json.dumps({name: one for name, one in given.items() if one is not None}).encode()

    def body(self, **changes: Any) -> bytes:
        return json.dumps(self.claims(**changes)).encode()

    def with_secret(self, secret: bytes, algorithm: str = "HS256") -> str:
        """Signed with a shared secret, as if the public key were one."""
        said = f"{encoded(self.header(alg=algorithm))}.{encoded(self.body())}"
        made = hmac.new(secret, said.encode(), getattr(hashlib, f"sha{algorithm[2:]}")).digest()
        return f"{said}.{encoded(made)}"

    @property
    def public_pem(self) -> bytes:
        public = self.key.private.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def public_der(self) -> bytes:
        public = self.key.private.public_key()
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def unsigned(mint: Mint, algorithm: str, signature: str = "") -> str:
    return f"{encoded(mint.header(alg=algorithm))}.{encoded(mint.body())}.{signature}"


def twice(mint: Mint) -> str:
    """Two subjects: who reads the first one sees somebody else."""
    return mint.by_hand(mint.header(), mint.body()[:-1] + b', "sub": "U0BO"}')


def foreign(mint: Mint, **header: Any) -> str:
    """Signed with a key of somebody else, who says where it is."""
    headers = {"kid": mint.key.id, "typ": "at+jwt", **header}
    return jwt.encode(mint.claims(), mint.other.private, "RS256", headers=headers)


def cut(mint: Mint) -> str:
    head, body, signature = mint.token().split(".")
    return f"{head}.{body}.{signature[:-8]}AAAAAAAA"


def swapped(mint: Mint) -> str:
    head, _, signature = mint.token().split(".")
    return f"{head}.{encoded(mint.body(sub='U0BO'))}.{signature}"


def elliptic(mint: Mint) -> str:
    """ES256 by a key of one's own, under the id of the RSA key."""
    key = ec_key(SECP256R1())
    return jwt.encode(mint.claims(), key, "ES256", headers={"kid": mint.key.id, "typ": "at+jwt"})


def longer(mint: Mint) -> str:
    return mint.token(extra="x" * 20_000)


NOW = int(time.time())
BAD: dict[str, Callable[[Mint], str]] = {
    "alg none": lambda one: unsigned(one, "none", "x"),
    "alg none, nothing signed": lambda one: unsigned(one, "none"),
    "alg nOnE": lambda one: unsigned(one, "nOnE", "x"),
    "HS256 with the public key as PEM": lambda one: one.with_secret(one.public_pem),
    "HS256 with the public key as DER": lambda one: one.with_secret(one.public_der),
    "HS512 with the public key": lambda one: one.with_secret(one.public_pem, "HS512"),
    "HS256 with an empty secret": lambda one: one.with_secret(b""),
    "another algorithm than the key's": lambda one: jwt.encode(
        one.claims(), one.key.private, "RS512", headers={"kid": one.key.id}
    ),
    "another kind of key under this id": elliptic,
    "no algorithm": lambda one: one.by_hand(one.header(alg=None), one.body()),
    "an algorithm that is a number": lambda one: one.by_hand(one.header(alg=256), one.body()),
    "another issuer": lambda one: one.token(iss="https://evil.example"),
    "an issuer with a slash more": lambda one: one.token(iss=f"{one.issuer}/"),
    "no issuer": lambda one: one.token(iss=None),
    "another audience": lambda one: one.token(aud="somebody-else"),
    "no audience": lambda one: one.token(aud=None),
    "an audience that is part of a word": lambda one: one.token(aud=AUDIENCE[:-1]),
    "an audience that is an object": lambda one: one.token(aud={AUDIENCE: 1}),
    "a list of audiences with a number": lambda one: one.token(aud=[AUDIENCE, 1]),
    "the client's audience": lambda one: one.token(aud=CLIENT),
    "no end": lambda one: one.token(exp=None),
    "expired": lambda one: one.token(exp=NOW - HOUR),
    "an end that is a text": lambda one: one.by_hand(one.header(), one.body(exp="tomorrow")),
    "an end that is true": lambda one: one.by_hand(one.header(), one.body(exp=True)),
    "an end that no calendar has": lambda one: one.by_hand(one.header(), one.body(exp=10**30)),
    "an end that is infinite": lambda one: one.by_hand(
        one.header(), one.body().replace(str(one.claims()["exp"]).encode(), b"Infinity")
    ),
    "not valid yet": lambda one: one.token(nbf=NOW + HOUR),
    "a beginning that is a text": lambda one: one.by_hand(one.header(), one.body(nbf="x")),
    "issued in the future": lambda one: one.token(iat=NOW + HOUR),
    "never issued": lambda one: one.token(iat=None),
    "no subject": lambda one: one.token(sub=None),
    "an empty subject": lambda one: one.token(sub=""),
    "a subject that is a number": lambda one: one.by_hand(one.header(), one.body(sub=7)),
    "a subject with a line break": lambda one: one.token(sub="U0ANN\nU0BO"),
    "no key id": lambda one: one.by_hand(one.header(kid=None), one.body()),
    "an unknown key id": lambda one: one.token({"kid": "nobody"}),
    "a path as key id": lambda one: foreign(one, kid="../../../../dev/null"),
    "an address as key id": lambda one: foreign(one, kid="https://evil.example/key"),
    "SQL as key id": lambda one: foreign(one, kid="x' UNION SELECT 'key"),
    "a list as key id": lambda one: one.by_hand(one.header(kid=[one.key.id]), one.body()),
    "an endless key id": lambda one: foreign(one, kid="k" * 2000),
    "keys of its own at jku": lambda one: foreign(one, jku="https://evil.example/jwks"),
    "keys of its own at x5u": lambda one: foreign(one, x5u="https://evil.example/cert"),
    "its own key in the header": lambda one: foreign(one, jwk=one.other.published()),
    "its own certificate in the header": lambda one: foreign(one, x5c=["MIIB"]),
    "something critical": lambda one: one.token({"crit": ["exp2"], "exp2": 1}),
    "an unencoded payload": lambda one: one.by_hand(one.header(b64=False), one.body()),
    "packed": lambda one: one.by_hand(one.header(zip="DEF"), one.body()),
    "an id token": lambda one: one.token(nonce="n", aud=AUDIENCE),
    "an id token by its hash": lambda one: one.token(at_hash="x"),
    "an id token of Keycloak": lambda one: one.token(typ="ID"),
    "a refresh token": lambda one: one.token(typ="Refresh"),
    "a logout token": lambda one: one.token({"typ": "logout+jwt"}),
    "a token of a security event": lambda one: one.token({"typ": "secevent+jwt"}),
    "bound to a certificate": lambda one: one.token(cnf={"x5t#S256": "x"}),
    "two subjects": twice,
    "two algorithms": lambda one: one.by_hand(one.header()[:-1] + b', "alg": "RS256"}', one.body()),
    "another body under the signature": swapped,
    "a signature that is cut": cut,
    "a signature of somebody else": foreign,
    "no signature": lambda one: one.token().rpartition(".")[0] + ".",
    "two parts": lambda one: one.token().rpartition(".")[0],
    "five parts": lambda one: f"{one.token()}.x.y",
    "padded": lambda one: one.token() + "==",
    "a body that is a list": lambda one: one.by_hand(one.header(), b"[]"),
    "a body that is a number": lambda one: one.by_hand(one.header(), b"1e999"),
    "a body that is no JSON": lambda one: one.by_hand(one.header(), b"{'sub': 'x'}"),
    "a body of brackets": lambda one: one.by_hand(one.header(), b"[" * 9000),
    "a header of brackets": lambda one: one.by_hand(b"[" * 3000, one.body()),
    "a header that is no JSON": lambda one: one.by_hand(b"\xff\xfe", one.body()),
    "huge": longer,
    "nothing at all": lambda _: "x",
    "a service token that nobody made": lambda _: "cpt_" + "x" * 43,
}


def mint(issuer: str) -> Mint:
    """Two keys: one of the issuer, one of somebody else."""
    return Mint(issuer, new_key(), new_key())
