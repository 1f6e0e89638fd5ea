"""The public keys that are believed: a folder of them, some with the time of their retirement."""

import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from engine.domain.approval import Signed
from engine.domain.override import SignedOverride
from engine.errors import ConfigurationError, Invalid
from engine.secrets.keys import (
    ANCHOR,
    CHECKPOINT,
    RETIRED,
    key_id_of,
    message_of,
    override_message,
)

# The folder is read again this often, in seconds; for the sake of an unknown key sooner.
FRESH = 30.0
FOR_UNKNOWN = 2.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """One key; `retired` is when it stopped counting."""

    key_id: str
    key: Ed25519PublicKey
    retired: datetime | None = None


def published(folder: Path) -> dict[str, Published]:
    """The keys of a folder, by id. Raises `ConfigurationError` for a file that is none."""
    found = {}
    for path in sorted(folder.glob("*.pem")):
        found[path.stem] = Published(path.stem, _public(path), _retired(path.with_suffix(RETIRED)))
    return found


class FileVerifier:
    """The `Verifier` port. Keys that are added or retired are noticed without a restart."""

    def __init__(self, folder: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._monotonic = monotonic
        self._keys = published(folder)
        self._read_at = monotonic()
        if not self._keys:
            raise ConfigurationError(
                f"There is no public key in {folder}. `carapulse up` makes one."
            )

    def verify(self, signed: Signed) -> bool:
        """False for an unknown or retired key, a wrong signature, or an altered statement."""
        known = self._known(signed.statement.key_id)
        if known is None or (known.retired and signed.statement.at >= known.retired):
            return False
        return _genuine(known, signed.signature, lambda: message_of(signed.statement))

    def overrode(self, signed: SignedOverride) -> bool:
        """The same for a choice that overrides what was approved."""
        known = self._known(signed.statement.key_id)
        if known is None or (known.retired and signed.statement.at >= known.retired):
            return False
        return _genuine(known, signed.signature, lambda: override_message(signed.statement))

    def sealed(self, key_id: str, message: bytes, signature: str) -> bool:
        """The same for the end of the audit's chain; what a retired key sealed stays sealed."""
        return self._holds(key_id, CHECKPOINT + message, signature)

    def anchored(self, key_id: str, message: bytes, signature: str) -> bool:
        """The same for where the chain begins."""
        return self._holds(key_id, ANCHOR + message, signature)

    def _holds(self, key_id: str, message: bytes, signature: str) -> bool:
        known = self._known(key_id)
        return known is not None and _genuine(known, signature, lambda: message)

    def _known(self, key_id: str) -> Published | None:
        """The key; the folder is read again when it is time, so a flood of unknown ids is cheap."""
        since = self._monotonic() - self._read_at
        if since >= (FRESH if key_id in self._keys else FOR_UNKNOWN):
            self._read_at = self._monotonic()
            try:
                self._keys = published(self._folder)
            except ConfigurationError as error:
                log.warning("public keys not read again", action="keys.unread", error=str(error))
        return self._keys.get(key_id)


def _genuine(known: Published, signature: str, message: Callable[[], bytes]) -> bool:
    try:
        known.key.verify(_decoded(signature), message())
    except (InvalidSignature, binascii.Error, ValueError, Invalid):
        return False
    return True


def _decoded(signature: str) -> bytes:
    return base64.b64decode(signature + "=" * (-len(signature) % 4), validate=True)


def _retired(path: Path) -> datetime | None:
    try:
        at = datetime.fromisoformat(path.read_text().strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} holds no time ({type(error).__name__}).") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _public(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"The public key {path} can't be read: {error}.") from None
    if not isinstance(key, Ed25519PublicKey) or key_id_of(key) != path.stem:
        raise ConfigurationError(f"The public key {path} is not the one that its name says.")
    return key
