"""A whole Carapulse on one machine, in the order in which its parts need each other."""

import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.local.children import Child, OnEvent
from bot.local.credentials import kept_token, link_keys, service_token, told_environment
from bot.local.demo.world import RUNBOOKS, World, open_world
from bot.local.folder import Folder
from bot.local.issuer import server as issuer
from bot.local.ports import LOOPBACK, answers, answers_http, free_port, kept_port
from bot.local.stack import Stack, StackOptions, open_stack
from engine.secrets.keys import Keys, make_keys
from engine.store.migrations import migrate

LOCAL_BOT_TOKEN = "xoxb-local"  # noqa: S105 - the local Slack's, worth nothing elsewhere
LOCAL_APP_TOKEN = "xapp-local"  # noqa: S105 - the same
DEMO_TOOLS = Path(__file__).with_name("demo") / "tools"
HOOK = "/v1/hooks/alertmanager"
INCIDENTS = "C0INC"


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What to start; ports that are taken are replaced by free ones."""

    folder: Path
    stack: StackOptions = field(default_factory=StackOptions)
    page_port: int = 0
    http_port: int = 0
    real_slack: bool = False
    over_http: bool = False
    """Slack comes to the sidecar instead of being connected to."""
    world: bool = True
    tenant: str = "default"
    given: frozenset[str] = frozenset()
    """Variables whose settings somebody has chosen; the demo's world leaves them alone."""
    env: Mapping[str, str] = field(default_factory=dict)
    """More settings for worker and bot, by variable name."""


@dataclass(frozen=True, slots=True)
class Up:
    """Where everything is; None: a real Slack workspace, no demo world."""

    stack: Stack
    world: World | None
    slack_url: str | None
    http_url: str
    service_token: Path
    env: Mapping[str, str]
    notes: tuple[str, ...]


@asynccontextmanager
async def open_up(options: UpOptions, *, on_event: OnEvent) -> AsyncIterator[Up]:
    """Start everything, yield where it is, and stop it in reverse order.

    Raises:
        CarapulseError: a part can't be started; the text says which and why.
    """
    async with AsyncExitStack() as stacked:
        stack = await stacked.enter_async_context(
            open_stack(options.folder, wanted=options.stack, on_event=on_event)
        )
        await migrate(stack.owner_dsn)
        keys = make_keys(stack.folder.secrets)
        hook_token = kept_token(stack.folder.secrets / "alertmanager_token")
        http_port, page_port = await usable(options.http_port), await usable(options.page_port)
        env = stack_environment(stack, http_port, hook_token) | key_environment(keys)
        env |= artifact_environment(stack.folder)
        slack_url = None
        if not options.real_slack:
            hooked = over_http(stack, http_port) if options.over_http else {}
            issuer_port = kept_port(stack.folder.part("issuer") / "port")
            back = f"http://{LOOPBACK}:{http_port}/v1/sign-in/callback"
            beside = ("--issuer-port", str(issuer_port), "--issuer-back", back)
            slack_url = await start_local_slack(stack, page_port, hooked, beside)
            env |= slack_environment(slack_url) | hooked
            if "CARAPULSE_OIDC__ISSUER" not in options.given:
                env |= issuer.environment(issuer_port)
        world = None
        if options.world:
            hook = f"http://{LOOPBACK}:{http_port}{HOOK}"
            folder = stack.folder.part("demo")
            world = await stacked.enter_async_context(
                open_world(folder, stack.children, hook, hook_token)
            )
            wanted = world_environment(world).items()
            env |= {name: value for name, value in wanted if name not in options.given}
        env |= options.env
        token = await service_token(stack.folder.secrets, stack.app_dsn, options.tenant)
        await start_carapulse(stack, env, keys, http_port)
        told = gate_environment(env, keys)
        if stack.purge_dsn:  # for `carapulse audit purge` alone: no process of ours has it
            told["CARAPULSE_POSTGRES__PURGE_DSN"] = stack.purge_dsn
        stacked.enter_context(told_environment(stack.folder.secrets, told))
        notes = (*stack.notes, *moved(options, http_port, page_port))
        yield Up(stack, world, slack_url, f"http://{LOOPBACK}:{http_port}", token, env, notes)


async def usable(port: int) -> int:
    """Return the port, or a free one where it is 0 or taken."""
    if port == 0 or await answers(port):
        return free_port()
    return port


def moved(options: UpOptions, http_port: int, page_port: int) -> tuple[str, ...]:
    """Say which wished-for ports were taken."""
    pairs = [(options.http_port, http_port)]
    if not options.real_slack:
        pairs.append((options.page_port, page_port))
    return tuple(
        f"Port {wish} is in use by something else; {got} is used instead."
        for wish, got in pairs
        if wish not in (0, got)
    )


def stack_environment(stack: Stack, http_port: int, hook_token: Path) -> dict[str, str]:
    """Settings that tell worker and bot where the stack is; never the owner's address."""
    url = f"http://{LOOPBACK}:{http_port}"
    named = {
        "CARAPULSE_POSTGRES__DSN": stack.app_dsn,
        "CARAPULSE_REDIS__URL": stack.redis_url,
        "CARAPULSE_ENGINE": stack.engine,
        "CARAPULSE_TEMPORAL__ADDRESS": stack.temporal_address,
        "CARAPULSE_POLICY__OPA_URL": stack.opa_url,
        "CARAPULSE_HTTP__PORT": str(http_port),
        "CARAPULSE_HTTP__PUBLIC_URL": url,
        "CARAPULSE_SANDBOX__RUNTIME": "process",
        "CARAPULSE_SANDBOX__LOCAL": "true",
        "CARAPULSE_HOOKS__ALERTMANAGER_TOKEN": hook_token.read_text(),
    }
    return {name: value for name, value in named.items() if value}


def key_environment(keys: Keys) -> dict[str, str]:
    """The public half of the approval keys, which everybody may have."""
    return {"CARAPULSE_KEYS__PUBLIC_KEYS_FOLDER": str(keys.public)}


def artifact_environment(folder: Folder) -> dict[str, str]:
    """Complete outputs in a folder beside the rest; links to them are signed with a key."""
    store = folder.part("artifacts")
    return {
        "CARAPULSE_ARTIFACTS__FOLDER": str(store / "store"),
        "CARAPULSE_ARTIFACTS__SPOOL_FOLDER": str(store / "spool"),
        "CARAPULSE_ARTIFACTS__LINK_KEYS_FILE": str(link_keys(folder.secrets)),
    }


def slack_environment(url: str) -> dict[str, str]:
    """Settings that point the bot at the local Slack."""
    return {
        "CARAPULSE_SLACK__BASE_URL": f"{url}/api/",
        "CARAPULSE_SLACK__BOT_TOKEN": LOCAL_BOT_TOKEN,
        "CARAPULSE_SLACK__APP_TOKEN": LOCAL_APP_TOKEN,
    }


def world_environment(world: World) -> dict[str, str]:
    """Settings that let Carapulse look after the demo's shop."""
    named = {
        "CARAPULSE_CONTEXT__SERVICES_FILE": str(world.services_file),
        "CARAPULSE_SLACK__CHANNEL": INCIDENTS,
        "CARAPULSE_CONTEXT__PLAYBOOKS_FOLDER": str(world.playbooks_folder),
        "CARAPULSE_KNOWLEDGE__RUNBOOKS_FOLDER": str(RUNBOOKS),
        "CARAPULSE_DIRECTORY__FILE": str(world.directory_file),
        "CARAPULSE_TOOLS__FOLDER": str(DEMO_TOOLS),
        "CARAPULSE_TOOLS__GIT_REMOTES": json.dumps([world.repository_url]),
        "CARAPULSE_TOOLS__CONNECTIONS__SHOP__URL": world.shop_url,
        "CARAPULSE_TOOLS__CONNECTIONS__PROMETHEUS__URL": world.prometheus_url,
        "CARAPULSE_APPROVALS__EMOJI_MAX_RISK": "medium",
    }
    return {name: value for name, value in named.items() if value}


def over_http(stack: Stack, http_port: int) -> dict[str, str]:
    """Settings of the transport, with a signing secret that both sides are told."""
    secret = kept_token(stack.folder.secrets / "slack_signing_secret").read_text()
    return {
        "CARAPULSE_SLACK__TRANSPORT": "http",
        "CARAPULSE_SLACK__SIGNING_SECRET": secret,
        "CARAPULSE_HTTP__PORT": str(http_port),
    }


async def start_local_slack(
    stack: Stack, port: int, hooked: Mapping[str, str], more: tuple[str, ...] = ()
) -> str:
    """Start the local Slack, with the issuer beside it; return the address of its page."""
    state = stack.folder.part("slack") / "state.json"
    module = ("-m", "bot.local.slack")
    argv: tuple[str, ...] = (sys.executable, *module, "--port", str(port), "--state", str(state))
    argv = (*argv, *more)
    if hooked:
        request_url = f"http://{LOOPBACK}:{hooked['CARAPULSE_HTTP__PORT']}/slack/events"
        secret = hooked["CARAPULSE_SLACK__SIGNING_SECRET"]
        argv = (*argv, "--request-url", request_url, "--signing-secret", secret)

    async def ready() -> bool:
        return await answers_http(port, "/")

    await stack.children.start(Child("slack", argv, ready=ready))
    return f"http://{LOOPBACK}:{port}"


async def start_carapulse(stack: Stack, env: Mapping[str, str], keys: Keys, http_port: int) -> None:
    """Start the worker, and the bot, which alone is told where the signing key is."""

    async def serving() -> bool:
        return await answers_http(http_port, "/healthz")

    command = (sys.executable, "-m", "bot.cli")
    gate = gate_environment(env, keys)
    await stack.children.start(Child("worker", (*command, "worker"), env))
    await stack.children.start(Child("bot", (*command, "bot"), gate, ready=serving))


def gate_environment(env: Mapping[str, str], keys: Keys) -> dict[str, str]:
    """Settings of the process that signs decisions."""
    return {**env, "CARAPULSE_KEYS__SIGNING_KEY_FILE": str(keys.private)}
