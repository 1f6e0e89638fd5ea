"""The branch of the settings for complete outputs: where they are kept, and how long."""

from pathlib import Path

from pydantic import Field, SecretStr

from engine.sections import Section


class ArtifactSettings(Section):
    """Where complete outputs are kept: in `folder`, or at `url` (s3://BUCKET/PATH).

    Without either nothing but the shown lines is. They are written to `spool_folder` first. At
    most `limit` MiB are kept of a call, for `keep_days` after it was stored (none: for ever).
    Links are signed with `link_keys_file` and last `link_seconds`.
    """

    folder: Path | None = None
    url: str = Field(default="", pattern=r"^(s3://[^/]+(/.*)?)?$")
    endpoint: str = ""
    region: str = ""
    access_key_id: SecretStr = SecretStr("")
    secret_access_key: SecretStr = SecretStr("")
    virtual_hosted_style_request: bool = False
    spool_folder: Path | None = None
    limit: int = Field(default=256, ge=1, le=10_240)
    timeout_seconds: float = Field(default=30, ge=1, le=300)
    keep_days: int | None = Field(default=None, ge=1)
    link_keys_file: Path | None = None
    link_seconds: int = Field(default=300, ge=10, le=86_400)
