"""How a worker proves to Vault who it is: AppRole or its Kubernetes service account."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import structlog

from engine.errors import ConfigurationError
from engine.secrets.vault.api import VaultApi, VaultRefused

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Auth:
    """A token of Vault; `seconds` 0 is one that does not end."""

    token: str = field(repr=False)
    seconds: float
    renewable: bool

    @classmethod
    def of(cls, answer: dict[str, Any]) -> "Auth":
        """What a login or a renewal answers. Raises `VaultRefused`."""
        auth = answer.get("auth")
        if not isinstance(auth, dict) or not auth.get("client_token"):
            raise VaultRefused("Vault answered the login without a token.", 200)
        return cls(
            str(auth["client_token"]),
            float(auth.get("lease_duration") or 0),
            auth.get("renewable") is True,
        )


class Login(Protocol):
    """A way to log in; what it shows is read again each time."""

    async def log_in(self, api: VaultApi) -> Auth:
        """Raises `Unavailable`, `VaultRefused`, or `ConfigurationError` without its file."""
        ...


@dataclass(slots=True)
class AppRole:
    """`wrapped`: the file holds a wrapping token, good for one look, and not the secret id.

    What was unwrapped is kept in memory for the next login, until the file changes.
    """

    mount: str
    role_id: str = field(repr=False)
    secret_id_file: Path | None = None
    wrapped: bool = False
    unwrapped: tuple[str, str] = field(default=("", ""), repr=False)

    async def log_in(self, api: VaultApi) -> Auth:
        """With the secret id that the file holds now."""
        body = {"role_id": self.role_id}
        if self.secret_id_file:
            body["secret_id"] = await self._secret_id(api, await text_of(self.secret_id_file))
        return Auth.of(await api.write(f"auth/{self.mount}/login", "", body))

    async def _secret_id(self, api: VaultApi, text: str) -> str:
        if not self.wrapped:
            return text
        known, secret_id = self.unwrapped
        if known != text:
            secret_id = await self._unwrap(api, text)
            self.unwrapped = (text, secret_id)
        return secret_id

    async def _unwrap(self, api: VaultApi, token: str) -> str:
        """What was wrapped; a used token was seen by another, and that is said loudly."""
        try:
            await self._check(api, token)
            answer = await api.write("sys/wrapping/unwrap", token)
        except VaultRefused as error:
            log.warning(
                "the wrapped secret id can't be used; if nobody of yours has, it was stolen",
                action="vault.wrapping_refused",
                status=error.status,
            )
            raise
        return str((answer.get("data") or {}).get("secret_id", ""))

    async def _check(self, api: VaultApi, token: str) -> None:
        """Only what was wrapped as a secret id of our own mount is unwrapped."""
        looked = await api.write("sys/wrapping/lookup", "", {"token": token})
        made_at = str((looked.get("data") or {}).get("creation_path", ""))
        if not (made_at.startswith(f"auth/{self.mount}/role/") and "/secret-id" in made_at):
            raise VaultRefused("The wrapped secret id was not made by this AppRole.", 400)


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """The kubelet replaces the token file long before the token in it ends."""

    mount: str
    role: str
    token_file: Path

    async def log_in(self, api: VaultApi) -> Auth:
        """With the service account's token of now."""
        body = {"role": self.role, "jwt": await text_of(self.token_file)}
        return Auth.of(await api.write(f"auth/{self.mount}/login", "", body))


async def text_of(file: Path) -> str:
    """What a secret file holds now. Raises `ConfigurationError` that names it."""
    try:
        text = await asyncio.to_thread(file.read_text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        kind = type(error).__name__
        raise ConfigurationError(f"The secret file {file} can't be read ({kind}).") from None
    if not text.strip():
        raise ConfigurationError(f"The secret file {file} is empty.")
    return text.strip()
