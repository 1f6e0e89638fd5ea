"""Where complete outputs go, as the settings ask for it."""

from pathlib import Path

from engine.artifact_sections import ArtifactSettings
from engine.artifacts.files import StoredFiles
from engine.artifacts.objects import Bucket, Objects, in_bucket, in_folder
from engine.artifacts.spool import Spool
from engine.errors import ConfigurationError
from engine.ports import Files, Links
from engine.secrets.links import LinkKeys

MIB = 1 << 20


def filing(settings: ArtifactSettings) -> Files | None:
    """The spool and the store; None where no store is set. Raises `ConfigurationError`."""
    if not settings.folder and not settings.url:
        return None
    spool = settings.spool_folder or (settings.folder and beside(settings.folder))
    if spool is None:
        raise ConfigurationError(
            "Outputs are written on this machine first. Set CARAPULSE_ARTIFACTS__SPOOL_FOLDER."
        )
    return StoredFiles(Spool(spool), storing(settings))


def beside(folder: Path) -> Path:
    """Next to the store, and never in it."""
    return folder.with_name(f"{folder.name}.spool")


def storing(settings: ArtifactSettings) -> Objects:
    """The folder, or the bucket. Raises `ConfigurationError`."""
    if settings.url:
        bucket = Bucket(
            settings.url,
            settings.endpoint,
            settings.region,
            settings.access_key_id.get_secret_value(),
            settings.secret_access_key.get_secret_value(),
            settings.virtual_hosted_style_request,
        )
        return in_bucket(bucket, settings.timeout_seconds)
    assert settings.folder
    return in_folder(settings.folder, settings.timeout_seconds)


def linking(settings: ArtifactSettings) -> Links | None:
    """What signs links; None where there is no key. Raises `ConfigurationError`."""
    return LinkKeys(settings.link_keys_file) if settings.link_keys_file else None
