"""Signatures of approvals and audit, by Ed25519 keys in files; workers have public keys only."""

import base64
import binascii
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from engine.domain.approval import Signed, Statement
from engine.domain.canonical import canonical
from engine.domain.digest import instant
from engine.errors import ConfigurationError, Invalid

PRIVATE = "signing-key.pem"
PUBLIC = "public-keys"
# So that a signature of ours can never be taken for one about something else.
PURPOSE = b"carapulse approval v1\n"
CHECKPOINT = b"carapulse audit checkpoint v1\n"


@dataclass(frozen=True, slots=True)
class Keys:
    """Where `make_keys` left what it made."""

    private: Path
    public: Path
    key_id: str


def make_keys(folder: Path) -> Keys:
    """Make a key pair, or find the one that is there. The private key is readable by us alone."""
    private, public = folder / PRIVATE, folder / PUBLIC
    public.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not private.exists():
        _write_private(private, Ed25519PrivateKey.generate())
    key = _private(private)
    name = _key_id(key.public_key())
    _publish(public / f"{name}.pem", key.public_key())
    return Keys(private=private, public=public, key_id=name)


class FileSigner:
    """The `Signer` port; only the gate's process is given one."""

    def __init__(self, file: Path) -> None:
        self._key = _private(file)
        self._key_id = _key_id(self._key.public_key())

    @property
    def key_id(self) -> str:
        return self._key_id

    def sign(self, statement: Statement) -> Signed:
        """Sign; the statement must name this key."""
        if statement.key_id != self._key_id:
            raise Invalid("The statement names another key than the one that would sign it.")
        signature = base64.b64encode(self._key.sign(_message(statement)))
        return Signed(statement=statement, signature=signature.decode().rstrip("="))

    def seal(self, message: bytes) -> str:
        """Sign the end of the audit's chain."""
        return base64.b64encode(self._key.sign(CHECKPOINT + message)).decode().rstrip("=")


class FileVerifier:
    """The `Verifier` port over a folder of public keys; several of them make a rotation."""

    def __init__(self, folder: Path) -> None:
        self._keys = {path.stem: _public(path) for path in sorted(folder.glob("*.pem"))}
        if not self._keys:
            raise ConfigurationError(
                f"There is no public key in {folder}. `carapulse up` makes one."
            )

    def verify(self, signed: Signed) -> bool:
        """False for an unknown key, a wrong signature, or a statement that was altered."""
        key = self._keys.get(signed.statement.key_id)
        if key is None:
            return False
        try:
            key.verify(_decoded(signed.signature), _message(signed.statement))
        except (InvalidSignature, binascii.Error, ValueError, Invalid):
            return False
        return True

    def sealed(self, key_id: str, message: bytes, signature: str) -> bool:
        """The same for the end of the audit's chain."""
        key = self._keys.get(key_id)
        if key is None:
            return False
        try:
            key.verify(_decoded(signature), CHECKPOINT + message)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


def _message(statement: Statement) -> bytes:
    body = statement.model_dump(mode="json", exclude={"at"})
    return PURPOSE + canonical({**body, "at": instant(statement.at)})


def _decoded(signature: str) -> bytes:
    return base64.b64decode(signature + "=" * (-len(signature) % 4), validate=True)


def _key_id(key: Ed25519PublicKey) -> str:
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def _write_private(path: Path, key: Ed25519PrivateKey) -> None:
    body = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # Opened with its final rights: it is never readable by others, not even for a moment.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(body)


def _publish(path: Path, key: Ed25519PublicKey) -> None:
    body = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    if not path.exists():
        path.write_bytes(body)


def _private(path: Path) -> Ed25519PrivateKey:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(
                f"The signing key {path} can be read by others. Give it mode 600."
            )
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        reason = type(error).__name__  # never the text: it could quote the file
        raise ConfigurationError(f"The signing key {path} can't be read ({reason}).") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"The signing key {path} is not an Ed25519 key.")
    return key


def _public(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"The public key {path} can't be read: {error}.") from None
    if not isinstance(key, Ed25519PublicKey) or _key_id(key) != path.stem:
        raise ConfigurationError(f"The public key {path} is not the one that its name says.")
    return key
