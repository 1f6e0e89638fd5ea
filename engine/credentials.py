"""What the settings give to calls: token files, secrets of Vault, tunnels of Boundary."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from engine.domain.minted import Giver, Minted
from engine.errors import ConfigurationError
from engine.ports.minting import MintedRecords, Source, Taker
from engine.secrets.boundary import BoundaryApi
from engine.secrets.filling import Templates
from engine.secrets.sweeping import Sweeper
from engine.secrets.vault.agent import VaultAgent
from engine.secrets.vault.api import VaultApi
from engine.secrets.vault.logins import AppRole, Kubernetes, Login
from engine.secrets.vault.secrets import VaultMint, VaultSecret, Wanted
from engine.settings import Settings
from engine.telemetry.metrics import Metrics
from engine.tool_sections import BoundarySettings, Filled, VaultSettings
from engine.tools.giving import Sources, TokenFile
from engine.tools.holders import Holder
from engine.tools.tunnel import Tunnel, Tunnels

Check = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What calls are given, and how those who give it are; `checks` are by name."""

    sources: Sources = field(default_factory=Sources)
    checks: Mapping[str, Check] = field(default_factory=dict)
    agent: VaultAgent | None = None
    sink: Path | None = None
    sweeper: Sweeper | None = None

    async def run(self) -> None:
        """A worker's part: logged in from the start, and what others left is taken back."""
        if self.agent:
            self.agent.begin(self.sink)
        if self.sweeper:
            await self.sweeper.run()


class Unrecorded:
    """The `MintedRecords` port of a command without a database.

    It ends soon, and signs out of Vault: what was minted ends with that.
    """

    async def keep(self, minted: Minted) -> None:
        """Nothing is kept."""

    async def forget(self, minted: Minted) -> None:
        """Nothing was kept."""

    async def out(self) -> list[Minted]:
        """Nothing was kept."""
        return []


@asynccontextmanager
async def opened_credentials(
    settings: Settings, records: MintedRecords, session: aiohttp.ClientSession, metrics: Metrics
) -> AsyncIterator[Credentials]:
    """For as long as the block lasts; nothing logs in before it is wanted.

    Raises:
        ConfigurationError: a connection wants what Vault or Boundary is not configured for.
    """
    check_settings(settings)
    mint = boundary = None
    takers: dict[Giver, Taker] = {}
    checks: dict[str, Check] = {}
    async with AsyncExitStack() as stack:
        if settings.vault.url:
            agent = vault_agent(settings.vault, session, metrics)
            await stack.enter_async_context(agent.running())
            mint = VaultMint(agent, records, now, str(Holder.ourselves()))
            takers[Giver.VAULT], checks["vault"] = mint, agent.healthy
        if settings.boundary.url:
            boundary = boundary_api(settings.boundary, session)
            takers[Giver.BOUNDARY], checks["boundary"] = boundary, boundary.healthy
        every = settings.vault.sweep_seconds
        yield Credentials(
            Sources(sources(settings, mint, tunnels(settings, boundary, records))),
            checks,
            mint.agent if mint else None,
            settings.vault.sink_file,
            Sweeper(records, takers, now, gone, every) if takers else None,
        )


def check_settings(settings: Settings) -> None:
    """Raises `ConfigurationError` where something is asked of what is not configured."""
    for name, one in settings.tools.connections.items():
        if one.secrets and not settings.vault.url:
            raise ConfigurationError(
                f"tools.connections.{name} has secrets of Vault: set vault.url."
            )
        if one.tunnel and not settings.boundary.url:
            raise ConfigurationError(f"tools.connections.{name} has a tunnel: set boundary.url.")
        if one.tunnel and settings.sandbox.runtime == "kubernetes":
            raise ConfigurationError(
                f"tools.connections.{name} has a tunnel, whose near end is in the worker: a Job "
                "of sandbox.runtime kubernetes does not reach it."
            )


def sources(
    settings: Settings, mint: VaultMint | None, tunnelled: Tunnels | None
) -> dict[str, list[Source]]:
    """By connection: what is cheap first, so that nothing is minted in vain."""
    found: dict[str, list[Source]] = {}
    for name, one in settings.tools.connections.items():
        given: list[Source] = [TokenFile(one.token_file)] if one.token_file else []
        if mint:
            given += [
                VaultSecret(mint, name, Wanted(each.path, each.method, each.body, templates(each)))
                for each in one.secrets
            ]
        if one.tunnel and tunnelled:
            given.append(
                Tunnel(tunnelled, name, one.tunnel.target, one.tunnel.host, templates(one.tunnel))
            )
        if given:
            found[name] = given
    return found


def templates(given: Filled) -> Templates:
    """What is made of a secret."""
    return Templates(given.token, given.variables, given.files, given.login)


def tunnels(settings: Settings, api: BoundaryApi | None, records: MintedRecords) -> Tunnels | None:
    """How tunnels are made, where there is a Boundary."""
    if api is None:
        return None
    return Tunnels(
        api,
        records,
        now,
        str(Holder.ourselves()),
        settings.boundary.program,
        settings.boundary.start_seconds,
        settings.tools.work_folder,
    )


def vault_agent(
    wanted: VaultSettings, session: aiohttp.ClientSession, metrics: Metrics
) -> VaultAgent:
    """One login of this process."""
    return VaultAgent(
        vault_api(wanted, session),
        login(wanted),
        longest_wait=wanted.longest_wait_seconds,
        count=metrics.vault,
    )


def vault_api(wanted: VaultSettings, session: aiohttp.ClientSession) -> VaultApi:
    """Raises `ConfigurationError` for an address or a certificate that can't be used."""
    url = _address("vault.url", wanted.url)
    return VaultApi(
        session, url, wanted.namespace, wanted.timeout_seconds, _trusting(wanted.ca_file)
    )


def boundary_api(wanted: BoundarySettings, session: aiohttp.ClientSession) -> BoundaryApi:
    """Raises `ConfigurationError` for an address or a certificate that can't be used."""
    url = _address("boundary.url", wanted.url)
    token = (
        TokenFile(wanted.token_file).read if wanted.token_file else wanted.token.get_secret_value
    )
    return BoundaryApi(session, url, token, wanted.timeout_seconds, _trusting(wanted.ca_file))


def login(wanted: VaultSettings) -> Login:
    """How the settings say that we log in. Raises `ConfigurationError`."""
    mount = wanted.mount or wanted.method
    if wanted.method == "kubernetes":
        if not wanted.role:
            raise ConfigurationError("The login of Vault for Kubernetes wants a role: vault.role.")
        return Kubernetes(mount, wanted.role, wanted.jwt_file)
    role_id = wanted.role_id.get_secret_value()
    if not role_id:
        raise ConfigurationError("The AppRole of Vault wants its role id: vault.role_id.")
    return AppRole(mount, role_id, wanted.secret_id_file, wanted.wrapped)


def gone(holder: str) -> bool:
    """Whether a process of this machine has ended; of others nothing is known."""
    found, ours = Holder.read(holder), Holder.ourselves()
    return found is not None and found.machine == ours.machine and not found.lives()


def now() -> datetime:
    """The `Clock` port."""
    return datetime.now(UTC)


def _address(name: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ConfigurationError(f"{name} is no address like https://host:8200.")
    return url.rstrip("/")


def _trusting(ca_file: Path | None) -> ssl.SSLContext | None:
    if ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError):
        raise ConfigurationError(f"The certificate {ca_file} can't be read.") from None
