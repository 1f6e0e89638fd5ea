"""`carapulse keys`: the keys that sign approvals and the audit, and their rotation."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from engine.sections import KeySettings

keys = App(name="keys", help="List, rotate and retire the keys that sign approvals.")
OVERLAP = 3600


@keys.command(name="list")
async def listed(*, folder: Path = DEFAULT_FOLDER) -> None:
    """Show the public keys that are believed, and which one signs here.

    Args:
        folder: of the `carapulse up` that runs, when nothing is configured.
    """
    from engine.secrets.keys import FileSigner
    from engine.secrets.published import published

    wanted, public = files(folder)
    signing = FileSigner(wanted.signing_key_file).key_id if wanted.signing_key_file else ""
    for one in published(public).values():
        told = f"retired at {one.retired.isoformat()}" if one.retired else "counts"
        print(f"{one.key_id}  {told}{'  signs here' if one.key_id == signing else ''}")  # noqa: T201


@keys.command
async def rotate(
    *, prepare: bool = False, overlap: int = OVERLAP, folder: Path = DEFAULT_FOLDER
) -> None:
    """Let the gate sign with a new key. Nothing has to be restarted, open approvals keep counting.

    Where workers have copies of the folder of public keys: `--prepare` first, copy the folder to
    all of them, then rotate.

    Args:
        prepare: only make the next key and publish its public half.
        overlap: seconds in which other replicas may still sign with the key before.
        folder: of the `carapulse up` that runs, when nothing is configured.
    """
    from datetime import UTC, timedelta

    from engine.errors import ConfigurationError
    from engine.secrets import keys as signing

    wanted, public = files(folder)
    if wanted.signing_key_file is None:
        raise ConfigurationError(
            "There is no signing key here (CARAPULSE_KEYS__SIGNING_KEY_FILE): rotate where the "
            "bot runs."
        )
    if prepare:
        made = signing.prepare(wanted.signing_key_file, public)
        print(f"{made} is published and signs nothing yet. `carapulse keys rotate` takes it.")  # noqa: T201
        return
    before, after = signing.rotate(
        wanted.signing_key_file,
        public,
        overlap=timedelta(seconds=overlap),
        now=datetime.now(UTC),
    )
    print(f"{after} signs now; {before} is retired in {overlap} s. What it signed keeps counting.")  # noqa: T201


@keys.command(name="rotate-links")
async def rotate_links(*, folder: Path = DEFAULT_FOLDER) -> None:
    """Sign links to files with a new key. Links that are out go on, until two more rotations.

    Args:
        folder: of the `carapulse up` that runs, when nothing is configured.
    """
    import asyncio

    from bot.cli.records import configured
    from engine.errors import ConfigurationError
    from engine.secrets.links import rotate_file

    file = configured(folder).artifacts.link_keys_file
    if file is None:
        raise ConfigurationError(
            "No key for links is configured. Set CARAPULSE_ARTIFACTS__LINK_KEYS_FILE."
        )
    print(f"Links are signed by {await asyncio.to_thread(rotate_file, file)} from now on.")  # noqa: T201 - the command's answer


@keys.command
async def retire(key_id: str, *, at: datetime | None = None, folder: Path = DEFAULT_FOLDER) -> None:
    """Let nothing count that a key signs from a time on. For a stolen key delete its file instead.

    Args:
        key_id: as `carapulse keys list` shows it.
        at: from when on (UTC where it names no zone); now when left out.
        folder: of the `carapulse up` that runs, when nothing is configured.
    """
    from datetime import UTC

    from engine.secrets import keys as signing

    _, public = files(folder)
    at = at or datetime.now(UTC)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    signing.retire(public, key_id, at)
    print(f"Nothing counts that {key_id} signs from {at.isoformat()} on.")  # noqa: T201


def files(folder: Path) -> tuple["KeySettings", Path]:
    """Where the keys are: as configured, else those of the `carapulse up` in `folder`."""
    from bot.cli.records import configured
    from engine.errors import ConfigurationError

    wanted = configured(folder).keys
    if wanted.public_keys_folder is None:
        raise ConfigurationError("No keys are configured. Set CARAPULSE_KEYS__PUBLIC_KEYS_FOLDER.")
    return wanted, wanted.public_keys_folder
