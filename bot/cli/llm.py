"""`carapulse llm`: which language models there are, what they cost, and how to log in to one."""

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from engine.domain.spending import DaySpending
    from engine.llm.token_file import Tokens
    from engine.model_sections import LlmSettings
    from engine.settings import Settings

llm = App(name="llm", help="Show language models, what they cost, and log in to one.")
auth = App(name="auth", help="Log in to an OpenAI Codex subscription.")
llm.command(auth)
TOKEN_FILE = "codex.json"  # noqa: S105 -- the name of a file
PATIENCE = 300.0


@llm.command
async def status(*, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """Show the models in the order in which they are asked, and what today has cost.

    Args:
        folder: of the `carapulse up` that runs, when no database is configured.
        json: one object, for scripts.
    """
    from json import dumps

    from engine import models
    from engine.errors import ConfigurationError
    from engine.settings import Settings

    settings = Settings.load()
    try:
        spent, note = await _spent(folder), ""
    except ConfigurationError as error:
        spent, note = [], str(error)
    rows = [
        {"name": one.settings.name, "model": one.settings.model, "address": one.settings.base_url}
        for one in models.providers(settings.llm)
    ]
    budget = settings.llm.budget.model_dump(mode="json")
    if json:
        today = [one.model_dump(mode="json") for one in spent]
        login = _login(settings.llm)
        print(dumps({"models": rows, "budget": budget, "codex": login, "today": today}, indent=2))  # noqa: T201
        return
    print("\n".join(_told(settings, rows, spent, note)))  # noqa: T201


@auth.command
async def login(*, device: bool = False, paste: bool = False, file: Path | None = None) -> None:
    """Log in with a browser, and keep the tokens in a file that only you can read.

    Args:
        device: type a code on another device instead.
        paste: paste the address to which the browser was sent, when it runs elsewhere.
        file: where the tokens are kept; llm.codex.token_file without it.
    """
    from bot.cli.llm_login import by_browser, by_device, by_paste
    from engine.llm.login import Issuer
    from engine.settings import Settings

    codex = Settings.load().llm.codex
    issuer = Issuer(codex.issuer, codex.client_id)
    if device:
        tokens = await by_device(issuer, PATIENCE)
    elif paste:
        tokens = await by_paste(issuer)
    else:
        tokens = await by_browser(issuer, PATIENCE)
    _keep(tokens, file or codex.token_file)


@auth.command(name="import")
async def import_(source: Path = Path("~/.codex/auth.json"), *, file: Path | None = None) -> None:
    """Take over the login of the Codex CLI.

    Args:
        source: the file in which the Codex CLI keeps its tokens.
        file: where the tokens are kept; llm.codex.token_file without it.
    """
    from engine.llm.token_file import from_codex_cli
    from engine.settings import Settings

    _keep(from_codex_cli(_text(source)), file or Settings.load().llm.codex.token_file)


def _text(source: Path) -> str:
    from engine.errors import ConfigurationError

    try:
        return source.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{source} can't be read. `codex login` makes it.") from None


def _keep(tokens: "Tokens", file: Path | None) -> None:
    from engine.llm.token_file import TokenFile

    path = file or DEFAULT_FOLDER / "secrets" / TOKEN_FILE
    kept: TokenFile = TokenFile(path)
    kept.write(tokens)
    print(f"Logged in. The tokens are in {path}, readable by you alone.")  # noqa: T201
    print(f"Set CARAPULSE_LLM__CODEX__TOKEN_FILE={path} for the worker.")  # noqa: T201


async def _spent(folder: Path) -> "list[DaySpending]":
    from bot.cli.records import configured
    from engine import models
    from engine.ground import now
    from engine.store.connection import open_pool
    from engine.store.spending import PostgresSpending

    settings = configured(folder)
    postgres = settings.postgres
    pool = await open_pool(
        postgres.dsn.get_secret_value(),
        size=1,
        statement_timeout=postgres.statement_timeout_seconds,
        connect_timeout=postgres.connect_timeout_seconds,
    )
    try:
        allowance = models.allowance(settings.llm)
        return await PostgresSpending(pool, settings.tenant, allowance, now).today()
    finally:
        await pool.close()


def _told(
    settings: "Settings", rows: list[dict[str, str]], spent: "list[DaySpending]", note: str
) -> list[str]:
    lines = [
        f"{at}. {one['name']}: {one['model']} at {one['address']}" for at, one in enumerate(rows, 1)
    ]
    if not rows:
        lines.append("No model is configured; the offline planner drafts.")
    else:
        lines.append(f"{len(rows) + 1}. the offline planner, when none of them answers")
    lines.append(f"Codex login: {_login(settings.llm)}")
    budget = settings.llm.budget
    lines.append(
        f"Budget per day: {_limit(budget.tokens_per_day)}, {_money(budget.dollars_per_day)}; "
        f"per person {_limit(budget.tokens_per_person)}, {_money(budget.dollars_per_person)}"
    )
    for one in spent:
        cost = one.spent.microdollars / 1_000_000
        who = one.person or "all"
        lines.append(
            f"Today, {who}: {one.questions} questions, {one.spent.tokens:,} tokens, {cost:.4f} USD"
        )
    if not spent:
        lines.append(note or "Today: nothing asked yet")
    return lines


def _limit(tokens: int) -> str:
    return f"{tokens:,} tokens" if tokens else "any number of tokens"


def _money(dollars: object) -> str:
    return f"{dollars} USD" if dollars else "any cost"


def _login(settings: "LlmSettings") -> str:
    """Whether there is one, without a word of it."""
    from engine.errors import ConfigurationError
    from engine.llm.token_file import TokenFile

    if settings.codex.token_file is None:
        return "none"
    try:
        tokens = TokenFile(settings.codex.token_file).read()
    except ConfigurationError as error:
        return str(error)
    until = tokens.expires_at
    return f"valid until {until.isoformat(timespec='minutes')}" if until else "there is one"
