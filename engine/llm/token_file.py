"""The file that holds the tokens of a Codex subscription, readable by its owner alone."""

import base64
import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from engine.errors import ConfigurationError

OWNER_ONLY = 0o600
ACCOUNT_CLAIM = "https://api.openai.com/auth"
EARLY = timedelta(minutes=2)


class Tokens(BaseModel):
    """What an issuer gave. `expires_at` is UTC, None where it did not say."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    access_token: SecretStr
    refresh_token: SecretStr
    account_id: str = ""
    expires_at: datetime | None = None

    def stale(self, now: datetime) -> bool:
        """Whether it has to be refreshed before it is used."""
        return self.expires_at is not None and now + EARLY >= self.expires_at


@dataclass(frozen=True, slots=True)
class TokenFile:
    """Reads and replaces the file as a whole; whoever reads it never sees half of it."""

    path: Path

    def read(self) -> Tokens:
        """Raises `ConfigurationError`, which says how to make the file."""
        try:
            return Tokens.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            raise ConfigurationError(
                "There is no login for the Codex subscription. Run `carapulse llm auth login`."
            ) from None
        except (OSError, ValidationError):
            raise ConfigurationError(
                "The token file of the Codex subscription can't be read. Run `carapulse llm auth "
                "login` again."
            ) from None

    def write(self, tokens: Tokens) -> None:
        """Replace the file. It is never readable by others, not even for a moment."""
        content = {
            "access_token": tokens.access_token.get_secret_value(),
            "refresh_token": tokens.refresh_token.get_secret_value(),
            "account_id": tokens.account_id,
            "expires_at": tokens.expires_at.isoformat() if tokens.expires_at else None,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), OWNER_ONLY)
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(self.path)


def from_answer(content: dict[str, Any], before: Tokens | None = None) -> Tokens:
    """Tokens from an issuer's answer; what it leaves out stays as it was.

    Raises `ConfigurationError` where it holds no tokens.
    """
    access = content.get("access_token")
    refresh = content.get("refresh_token")
    if not isinstance(access, str) or not access:
        raise ConfigurationError("The issuer's answer holds no access token.")
    if not isinstance(refresh, str) or not refresh:
        if before is None:
            raise ConfigurationError("The issuer's answer holds no refresh token.")
        refresh = before.refresh_token.get_secret_value()
    claims = {**_claims(access), **_claims(str(content.get("id_token") or ""))}
    account = content.get("account_id") or _account(claims)
    return Tokens(
        access_token=SecretStr(access),
        refresh_token=SecretStr(refresh),
        account_id=str(account or (before.account_id if before else "")),
        expires_at=_expiry(content, access),
    )


def from_codex_cli(text: str) -> Tokens:
    """Tokens from the file that the Codex CLI keeps. Raises `ConfigurationError`."""
    try:
        content = json.loads(text)
        tokens = content["tokens"]
        found = from_answer({str(name): value for name, value in tokens.items()})
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ConfigurationError(
            "This file holds no tokens of a Codex subscription. `codex login` makes one "
            "in its own folder, as auth.json."
        ) from None
    return found


def _account(claims: dict[str, Any]) -> str:
    ours = claims.get(ACCOUNT_CLAIM)
    return str(ours.get("chatgpt_account_id", "")) if isinstance(ours, dict) else ""


def _expiry(content: dict[str, Any], access: str) -> datetime | None:
    seconds = content.get("expires_in")
    if isinstance(seconds, int) and 0 < seconds < 10**9:
        return datetime.now(UTC) + timedelta(seconds=seconds)
    ends = _claims(access).get("exp")
    return datetime.fromtimestamp(ends, UTC) if isinstance(ends, int) else None


def _claims(token: str) -> dict[str, Any]:
    """What a token says of itself. It decides nothing, so its signature is not looked at."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        content = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
