"""What checkout reads from `checkout/settings.yaml`, checked before an instance takes it."""

from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

MAX_BYTES = 16 * 1024


class BadSettings(Exception):
    """The settings file can't be used; the text says why."""


class CheckoutSettings(BaseModel):
    """The settings of one instance. A pool of 0 is allowed: that is the trap the demo is about."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pool_size: StrictInt = Field(ge=0, le=500)
    timeout_ms: StrictInt = Field(ge=1, le=60_000)
    currency: str = Field(pattern=r"^[A-Z]{3}$")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the file's text, or raise `BadSettings`."""
        if len(text.encode()) > MAX_BYTES:
            raise BadSettings(f"the settings file is larger than {MAX_BYTES} bytes")
        try:
            return cls.model_validate(yaml.safe_load(text))
        except ValidationError as error:
            raise BadSettings(_wrong(error)) from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise BadSettings(f"not YAML: {str(error)[:200]}") from error


def _wrong(error: ValidationError) -> str:
    found = [
        f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    ]
    return "; ".join(found)[:300]
