"""`carapulse up`: start everything on this machine, and keep it running until Ctrl-C."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bot.local.children import ChildEvent
    from bot.local.up import Up, UpOptions
    from engine.settings import Settings

DEFAULT_FOLDER = Path(".carapulse")
PAGE_PORT = 8090


async def up(
    *,
    folder: Path = DEFAULT_FOLDER,
    port: int = PAGE_PORT,
    reset: bool = False,
    engine: Literal["temporal", "direct"] | None = None,
) -> None:
    """Start everything on this machine, and keep it running.

    What is configured (CARAPULSE_POSTGRES__DSN, SLACK_BOT_TOKEN, ...) is used; the rest is started
    here: Postgres, Redis, Temporal, a small local Slack with a page to act in, and a shop to look
    after. Ctrl-C stops all of it; the next start goes on where this one ended.

    Args:
        folder: where everything is kept.
        port: of the local Slack's page; 0 takes a free one.
        reset: empty the folder first.
        engine: direct carries plans out on Postgres alone, without Temporal.
    """
    from bot.local.up import open_up
    from engine.settings import Settings

    options = chosen(Settings.load(), folder, port, reset=reset, engine=engine)
    stop_on_signals()
    with suppress(asyncio.CancelledError):
        async with open_up(options, on_event=tell) as running:
            show(running)
            await asyncio.Event().wait()
    print("Stopped.")  # noqa: T201 - the command's answer


def stop_on_signals() -> None:
    """End the current task in good order on Ctrl-C or SIGTERM; a second one ends it at once."""
    task = asyncio.current_task()
    assert task
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)


def chosen(
    settings: "Settings",
    folder: Path,
    page_port: int,
    *,
    reset: bool,
    engine: Literal["temporal", "direct"] | None = None,
) -> "UpOptions":
    """Translate the settings into what is there already and what is to be started."""
    from bot.local.stack import StackOptions
    from bot.local.up import UpOptions

    owner_dsn = settings.postgres.owner_dsn.get_secret_value()
    app_dsn = settings.postgres.dsn.get_secret_value()
    stack = StackOptions(
        owner_dsn=owner_dsn or app_dsn or None,
        app_dsn=app_dsn or None,
        redis_url=settings.redis.url.get_secret_value() or None,
        temporal_address=settings.temporal.address or None,
        engine=engine or settings.engine,
        opa_url=settings.policy.opa_url or None,
        reset=reset,
    )
    slack = settings.slack
    let_in = slack.signing_secret if slack.transport == "http" else slack.app_token
    return UpOptions(
        folder=folder,
        stack=stack,
        page_port=page_port,
        http_port=settings.http.port,
        real_slack=bool(slack.bot_token.get_secret_value() and let_in.get_secret_value()),
        over_http=slack.transport == "http",
        world=settings.context.services_file is None,
        tenant=settings.tenant,
        given=given(settings),
    )


def given(settings: "Settings") -> frozenset[str]:
    """The variables of those settings that somebody has chosen, wherever they stand."""
    chosen_here = {
        "CARAPULSE_SLACK__CHANNEL": settings.slack.channel,
        "CARAPULSE_CONTEXT__PLAYBOOKS_FOLDER": settings.context.playbooks_folder,
        "CARAPULSE_DIRECTORY__FILE": settings.directory.file,
        "CARAPULSE_OIDC__ISSUER": settings.oidc.issuer,
        "CARAPULSE_TOOLS__FOLDER": settings.tools.folder,
        "CARAPULSE_TOOLS__GIT_REMOTES": settings.tools.git_remotes,
        "CARAPULSE_APPROVALS__EMOJI_MAX_RISK": "approvals" in settings.model_fields_set,
    }
    connected = {
        f"CARAPULSE_TOOLS__CONNECTIONS__{name.upper()}__URL" for name in settings.tools.connections
    }
    return frozenset({name for name, value in chosen_here.items() if value} | connected)


def tell(event: "ChildEvent") -> None:
    """Print what became of a process, with the last lines of its log when it died."""
    from rich.console import Console

    if event.kind == "ready":
        return
    console = Console(stderr=True, highlight=False)
    console.print(f"{event.text}.", markup=False)
    for line in event.lines:
        console.print(f"  {line}", markup=False, style="dim", soft_wrap=True)


def show(running: "Up") -> None:
    """Print where everything is."""
    from rich.console import Console

    rows = {
        "Slack": running.slack_url or "your workspace",
        "HTTP": running.http_url,
        "Logs": str(running.stack.folder.logs),
    }
    console = Console(highlight=False, soft_wrap=True)
    console.print("Carapulse is up.", style="bold")
    for name, value in rows.items():
        console.print(f"{name:<6}{value}", markup=False)
    for note in running.notes:
        console.print(f"Note: {note}", markup=False)
    console.print(
        "Plans and executions as JSON, with a token that `carapulse token list` explains:"
    )
    console.print(reading(running), markup=False)
    console.print("Ctrl-C stops it.", style="dim")


def reading(running: "Up") -> str:
    """A command that reads a plan; it names the token's file and never the token."""
    header = f"Authorization: Bearer $(cat '{running.service_token}')"
    return f'  curl -H "{header}" {running.http_url}/v1/plans/P-1001'
