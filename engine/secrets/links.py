"""The keys that sign links to files: random, in one file, the first signs and all verify."""

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from engine.errors import ConfigurationError

# So that a signature of ours can never be taken for one about something else.
PURPOSE = b"carapulse artifact link v1\n"
KEYS_AT_MOST = 3
BITS = 256


def new_key() -> str:
    """A line of the file: `id:secret`."""
    return f"{secrets.token_hex(4)}:{secrets.token_hex(BITS // 8)}\n"


def rotated(lines: str) -> str:
    """A new key in front; links that older ones signed go on for as long as they are there."""
    return "".join([new_key(), *lines.splitlines(keepends=True)[: KEYS_AT_MOST - 1]])


def rotate_file(file: Path) -> str:
    """Put a new key into the file, made when it is missing; the key's id."""
    lines = rotated(file.read_text(encoding="ascii") if file.exists() else "")
    draft = file.with_name(f"{file.name}.draft")
    draft.unlink(missing_ok=True)
    # Opened with its final rights: it is never readable by others, not even for a moment.
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(lines)
    draft.replace(file)
    return lines.partition(":")[0]


class LinkKeys:
    """The `Links` port. The file is read again when it changes, so a rotation needs no restart."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._keys: dict[str, bytes] = {}
        self._seen: tuple[int, int] | None = None
        self._look()

    def signed(self, claim: str) -> tuple[str, str]:
        """The id of the newest key, and its signature."""
        self._look()
        key_id = next(iter(self._keys))
        return key_id, self._signature(key_id, claim)

    def holds(self, claim: str, key_id: str, signature: str) -> bool:
        """Whether one of the keys has signed this, in a time that tells nothing."""
        self._look()
        if key_id not in self._keys:
            return False
        return hmac.compare_digest(self._signature(key_id, claim).encode(), signature.encode())

    def _signature(self, key_id: str, claim: str) -> str:
        return hmac.new(self._keys[key_id], PURPOSE + claim.encode(), sha256).hexdigest()

    def _look(self) -> None:
        try:
            found = self._file.stat()
            seen = (found.st_mtime_ns, found.st_ino)
            if seen == self._seen:
                return
            if found.st_mode & 0o077:
                raise ConfigurationError(
                    f"The key for links {self._file} can be read by others. Give it mode 600."
                )
            self._keys = parsed(self._file.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            if self._keys:
                return  # it is just being replaced
            reason = type(error).__name__  # never the text: it could quote the file
            raise ConfigurationError(
                f"The key for links {self._file} can't be read ({reason})."
            ) from None
        self._seen = seen


def parsed(text: str) -> dict[str, bytes]:
    """Keys by their id, the newest first. Raises `ValueError`."""
    pairs = [line.partition(":") for line in text.split()]
    keys = {key_id: bytes.fromhex(secret) for key_id, _, secret in pairs}
    if not keys or any(len(key) * 8 < BITS for key in keys.values()):
        raise ValueError("too short")
    return keys
