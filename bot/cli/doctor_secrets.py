"""Looks at what gives secrets to calls: Vault, Boundary, and token files."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from bot.cli.doctor_finding import Finding, fail, ok, warn
from engine.credentials import boundary_api, check_settings, login, vault_api
from engine.errors import ConfigurationError, ToolFailed, Unavailable
from engine.settings import Settings
from engine.tools.giving import TokenFile
from engine.tools.tunnel import found

VAULT, BOUNDARY, FILES = "vault", "boundary", "token files"
LOCAL = ("localhost", "127.0.0.1", "::1")


async def secrets(settings: Settings) -> list[Finding]:
    """They answer, let us in, and every file is there."""
    try:
        check_settings(settings)
    except ConfigurationError as error:
        return [fail("secrets", str(error), "Correct the settings that are named.")]
    findings = [] if not settings.vault.url else await vault(settings)
    findings += [] if not settings.boundary.url else await boundary(settings)
    return [*findings, *files(settings)]


async def vault(settings: Settings) -> list[Finding]:
    """It serves, and takes our login; the token is given back. A wrapped secret id is not used."""
    wanted = settings.vault
    findings = plain(VAULT, wanted.url)
    async with aiohttp.ClientSession() as session:
        api = vault_api(wanted, session)
        try:
            await api.healthy()
            if wanted.wrapped:
                return [*findings, ok(VAULT, "it serves; the wrapped secret id was not tried")]
            auth = await login(wanted).log_in(api)
            await api.write("auth/token/revoke-self", auth.token)
        except (Unavailable, ToolFailed, ConfigurationError) as error:
            mend = "See vault.url, vault.namespace, the role and its file; then the log of Vault."
            return [*findings, fail(VAULT, str(error), mend)]
    lives = f"a token lives {auth.seconds:.0f} s" if auth.seconds else "a token has no end"
    if not auth.renewable:
        lives += " and can't be renewed"
    return [*findings, ok(VAULT, f"it serves and lets us in by {wanted.method}; {lives}")]


async def boundary(settings: Settings) -> list[Finding]:
    """The controller answers, and the program of tunnels is there."""
    wanted = settings.boundary
    findings = plain(BOUNDARY, wanted.url)
    async with aiohttp.ClientSession() as session:
        try:
            await boundary_api(wanted, session).healthy()
            program = found(wanted.program)
        except Unavailable as error:
            return [*findings, fail(BOUNDARY, str(error), "See boundary.url.")]
        except ToolFailed as error:
            mend = "See boundary.token_file; install boundary, or name it in boundary.program."
            return [*findings, fail(BOUNDARY, str(error), mend)]
    return [*findings, ok(BOUNDARY, f"the controller answers; tunnels are made by {program}")]


def plain(area: str, url: str) -> list[Finding]:
    """Secrets in clear text on a network are something to know."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in LOCAL:
        return []
    mend = f"Let {area}.url begin with https; name its authority in {area}.ca_file."
    return [warn(area, "tokens and secrets cross the network without TLS", mend)]


def files(settings: Settings) -> list[Finding]:
    """Each token file can be read, and by nobody else."""
    given = {f"tools.connections.{name}": one for name, one in settings.tools.connections.items()}
    named = {name: one.token_file for name, one in given.items()}
    named["boundary"] = settings.boundary.token_file
    findings = [
        finding
        for name, file in named.items()
        if file is not None
        for finding in looked_at(f"{name}.token_file", file, TokenFile(file).read)
    ]
    count = sum(file is not None for file in named.values())
    return findings or ([ok(FILES, f"{count} can be read")] if count else [])


def looked_at(name: str, file: Path, read: Callable[[], str]) -> list[Finding]:
    """What is wrong with one file."""
    try:
        read()
        open_to_all = bool(file.stat().st_mode & 0o007)
    except ToolFailed as error:
        return [fail(FILES, str(error), f"See {name}.")]
    if open_to_all:
        found = f"{file.name} of {name} can be read by everybody on this machine"
        return [warn(FILES, found, "chmod o-rwx it.")]
    return []
