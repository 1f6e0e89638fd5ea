"""Adapters as the settings ask for them; `engine.wiring` puts them together."""

from collections.abc import Sequence
from pathlib import Path

from engine import models
from engine.context.services import ServiceFile
from engine.directory.file import FileDirectory
from engine.directory.nobody import Nobody
from engine.domain.ids import Tenant
from engine.domain.knowledge import DocumentKind
from engine.errors import ConfigurationError
from engine.llm.fallback import FallbackPlanner
from engine.llm.librarian import Librarian
from engine.llm.offline import OfflinePlanner
from engine.llm.planner import Means, ModelPlanner
from engine.llm.playbooks import load_playbooks
from engine.llm.prompts import load_prompts
from engine.llm.routing import Router
from engine.llm.shelved import Bodies, ShelvedPlanner, Stamp
from engine.ports import Clock, Planner, Store
from engine.resources import shipped
from engine.secrets.keys import FileSigner
from engine.secrets.published import FileVerifier
from engine.settings import Settings
from engine.tools.api import Endpoint
from engine.tools.redaction import OwnRules, Redactor
from engine.tools.registry import ToolRegistry

# What shows how a service is, and which tool reads it.
SOURCES = (("prometheus", "metrics"), ("tempo", "traces"))
SHOWN = {"prometheus": "Prometheus", "tempo": "Tempo"}


def people(path: Path | None, tenant: Tenant) -> FileDirectory | Nobody:
    """Who people are; without a file everybody is a stranger."""
    return FileDirectory(path, tenant=tenant) if path else Nobody()


def public_keys(settings: Settings) -> FileVerifier:
    """The keys that decisions are verified with."""
    if settings.keys.public_keys_folder is None:
        raise ConfigurationError(
            "No public keys are configured, so no decision could be verified. Set "
            "CARAPULSE_KEYS__PUBLIC_KEYS_FOLDER; `carapulse up` makes the keys."
        )
    return FileVerifier(settings.keys.public_keys_folder)


def signer(settings: Settings) -> FileSigner:
    """The gate's private key."""
    if settings.keys.signing_key_file is None:
        raise ConfigurationError(
            "No signing key is configured, so nothing could be approved. Set "
            "CARAPULSE_KEYS__SIGNING_KEY_FILE; `carapulse up` makes one."
        )
    return FileSigner(settings.keys.signing_key_file)


def remotes(services: ServiceFile) -> list[str]:
    """The repositories that the service graph names: of settings, and of charts."""
    entries = [services.entry(name) for name in services.names()]
    parts = [entry.get(part) for entry in entries for part in ("gitops", "helm")]
    found = [part.get("remote") for part in parts if isinstance(part, dict)]
    return [str(remote) for remote in found if remote]


def endpoints(settings: Settings) -> dict[str, Endpoint]:
    """How the tools reach their systems."""
    return {
        name: Endpoint(one.url, one.token.get_secret_value(), one.file)
        for name, one in settings.tools.connections.items()
        if one.url or one.file or one.token_file or one.secrets
    }


def known_values(settings: Settings) -> list[str]:
    """Secrets of this process that must never appear in any output."""
    values = [one.token.get_secret_value() for one in settings.tools.connections.values()]
    values += [
        *models.secrets(settings.llm),
        settings.slack.bot_token.get_secret_value(),
        settings.slack.app_token.get_secret_value(),
        settings.slack.signing_secret.get_secret_value(),
        settings.hooks.alertmanager_token.get_secret_value(),
        settings.oidc.client_secret.get_secret_value(),
        settings.artifacts.secret_access_key.get_secret_value(),
        settings.boundary.token.get_secret_value(),
        settings.vault.role_id.get_secret_value(),
    ]
    return [value for value in values if value]


def redactor(settings: Settings) -> Redactor:
    """What takes secrets out of all that leaves.

    Raises:
        ConfigurationError: a pattern of the settings can't be used.
    """
    own = settings.tools.redaction
    return Redactor(known_values(settings), OwnRules.checked(own.patterns, own.keywords))


def hidden(settings: Settings) -> list[Path]:
    """Folders that no tool may see."""
    keys = settings.keys
    vault, boundary = settings.vault, settings.boundary
    secret = (
        *(keys.signing_key_file, settings.llm.codex.token_file, boundary.token_file),
        *(vault.secret_id_file, vault.sink_file),
        *(one.token_file for one in settings.tools.connections.values()),
    )
    ours = settings.artifacts
    outputs = (ours.folder, ours.spool_folder)
    return [
        *(path.parent for path in (*secret, ours.link_keys_file) if path is not None),
        *(path for path in outputs if path is not None),
    ]


def planner(
    settings: Settings,
    services: ServiceFile,
    tools: ToolRegistry,
    router: Router,
    clock: Clock,
    store: Store,
) -> Planner:
    """The offline planner, behind models where some are configured."""
    folder = settings.context.playbooks_folder
    actions = frozenset(str(one["name"]) for one in tools.catalogue())
    connected = actions | {name.partition(".")[0] for name in actions}
    stamp, bodies = shelf(store)
    offline = ShelvedPlanner(
        load_playbooks(folder) if folder else (),
        lambda playbooks: OfflinePlanner(services, playbooks, connected),
        stamp=stamp,
        bodies=bodies,
    )
    if not router.routes:
        return Librarian(offline)
    prompts = load_prompts(shipped("prompts"))
    means = Means(services, tools, prompts, offline, router, clock)
    model = ModelPlanner(models.planning(settings.llm), means)
    return Librarian(FallbackPlanner(model, offline))


def shelf(store: Store) -> tuple[Stamp, Bodies]:
    """The playbooks that people wrote here, and what changes with them."""

    async def stamp() -> str:
        async with store.begin() as unit:
            return await unit.documents.stamp(DocumentKind.PLAYBOOK)

    async def bodies() -> Sequence[tuple[str, str]]:
        async with store.begin() as unit:
            found = await unit.documents.of_source(DocumentKind.PLAYBOOK, "api")
        return [(one.name, one.body) for one in found]

    return stamp, bodies


def blind(settings: Settings) -> tuple[str, ...]:
    """What an investigation would look at as well, were it connected."""
    connected = settings.tools.connections
    return tuple(
        f"{what}: {SHOWN[tool]} is not configured"
        for tool, what in SOURCES
        if tool not in connected or not connected[tool].url
    )
