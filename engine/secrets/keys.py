"""The private key that signs approvals and the audit: made, used and rotated, as a file."""

import base64
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from engine.domain.approval import Signed, Statement
from engine.domain.canonical import canonical
from engine.domain.digest import instant
from engine.domain.override import Override, SignedOverride
from engine.errors import ConfigurationError, Invalid, NotFound

PRIVATE = "signing-key.pem"
PUBLIC = "public-keys"
# So that a signature of ours can never be taken for one about something else.
PURPOSE = b"carapulse approval v1\n"
OVERRIDE = b"carapulse override v1\n"
CHECKPOINT = b"carapulse audit checkpoint v1\n"
ANCHOR = b"carapulse audit anchor v1\n"
RETIRED = ".retired"


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
    key = read_private(private)
    name = key_id_of(key.public_key())
    _publish(public / f"{name}.pem", key.public_key())
    return Keys(private=private, public=public, key_id=name)


class FileSigner:
    """The `Signer` port; only the gate's process is given one.

    The file is looked at again before each use, so that a rotation needs no restart. What was
    begun under the key before is still signed with it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._keys: dict[str, Ed25519PrivateKey] = {}
        self._key_id = ""
        self._seen: tuple[int, int] | None = None
        self._look()

    @property
    def key_id(self) -> str:
        self._look()
        return self._key_id

    def sign(self, statement: Statement) -> Signed:
        """Sign; the statement must name this key."""
        signature = self._key(statement.key_id).sign(message_of(statement))
        return Signed(statement=statement, signature=_encoded(signature))

    def override(self, statement: Override) -> SignedOverride:
        """Sign a choice that overrides what was approved; it must name this key."""
        signature = self._key(statement.key_id).sign(override_message(statement))
        return SignedOverride(statement=statement, signature=_encoded(signature))

    def seal(self, message: bytes) -> str:
        """Sign the end of the audit's chain, with the key that `key_id` named last."""
        return _encoded(self._keys[self._key_id].sign(CHECKPOINT + message))

    def anchor(self, message: bytes) -> str:
        """Sign where the audit's chain begins once older rows are purged."""
        return _encoded(self._keys[self._key_id].sign(ANCHOR + message))

    def _key(self, key_id: str) -> Ed25519PrivateKey:
        key = self._keys.get(key_id)
        if key is None:
            raise Invalid("The statement names another key than the one that would sign it.")
        return key

    def _look(self) -> None:
        """Read the file when it is another one than before; the key before is kept for a while."""
        try:
            found = self._file.stat()
        except OSError:
            if self._keys:
                return  # it is just being replaced
            found = None
        seen = (found.st_mtime_ns, found.st_ino) if found else None
        if self._keys and seen == self._seen:
            return
        key = read_private(self._file)
        before, self._key_id, self._seen = self._key_id, key_id_of(key.public_key()), seen
        kept = {before: self._keys[before]} if before else {}
        self._keys = {**kept, self._key_id: key}


def rotate(file: Path, public: Path, *, overlap: timedelta, now: datetime) -> tuple[str, str]:
    """Give the gate a new key; (id before, id after). What `prepare` made is taken if it is there.

    The key before is retired after `overlap`, in which replicas may still sign with it.
    """
    before = key_id_of(read_private(file).public_key())
    after = prepare(file, public)
    _next(file).replace(file)
    retire(public, before, now + overlap)
    return before, after


def prepare(file: Path, public: Path) -> str:
    """Make the next key and publish it, so that all know it before it signs; its id."""
    if not _next(file).exists():
        _write_private(_next(file), Ed25519PrivateKey.generate())
    key = read_private(_next(file)).public_key()
    _publish(public / f"{key_id_of(key)}.pem", key)
    return key_id_of(key)


def retire(public: Path, key_id: str, at: datetime) -> None:
    """From this time on nothing that the key signs counts; what it signed before does."""
    if not (public / f"{key_id}.pem").exists():
        raise NotFound(f"There is no public key {key_id} in {public}.")
    draft = public / f"{key_id}.draft"
    draft.write_text(instant(at))
    draft.replace(public / f"{key_id}{RETIRED}")


def _next(file: Path) -> Path:
    return file.with_name(f"{file.name}.next")


def message_of(statement: Statement) -> bytes:
    """What is signed of a decision."""
    body = statement.model_dump(mode="json", exclude={"at"})
    return PURPOSE + canonical({**body, "at": instant(statement.at)})


def override_message(statement: Override) -> bytes:
    """What is signed of a choice that overrides what was approved."""
    body = statement.model_dump(mode="json", exclude={"at"})
    return OVERRIDE + canonical({**body, "at": instant(statement.at)})


def _encoded(signature: bytes) -> str:
    return base64.b64encode(signature).decode().rstrip("=")


def key_id_of(key: Ed25519PublicKey) -> str:
    """A key is named by what it is."""
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
        draft = path.with_suffix(".draft")
        draft.write_bytes(body)
        draft.replace(path)


def read_private(path: Path) -> Ed25519PrivateKey:
    """The key in a file. Raises `ConfigurationError`."""
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
