"""`carapulse plan create`, `carapulse plan correct` and `carapulse plan list`."""

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.up import DEFAULT_FOLDER
from engine.domain.plan import VersionState
from engine.errors import CarapulseError, Invalid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.domain.actor import Actor
    from engine.domain.wanted import Standing, Wanted
    from engine.services.requests import Requests

WAIT, AT_MOST = 120.0, 200
COLUMNS = ("plan", "state", "risk", "service", "asked by", "title")


async def create(
    text: str,
    *,
    environment: str | None = None,
    cluster: str | None = None,
    namespace: str | None = None,
    region: str | None = None,
    service: str | None = None,
    session: str = "",
    break_glass: str = "",
    folder: Path = DEFAULT_FOLDER,
    json: bool = False,
    wait: bool = True,
) -> None:
    """Ask for a plan; its card goes to the channel of the settings, where others approve it.

    Exit code 1 when nothing came of it but a refusal.

    Args:
        text: the request, as one would write it in a thread.
        environment: where; what the words say must agree.
        cluster: the same for the cluster.
        namespace: the same for the namespace.
        region: the same for the region.
        service: the same for the service.
        session: id or name of the session to work in.
        break_glass: why this needs break-glass; high risk is refused without it.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: as the API answers it.
        wait: with --no-wait do not wait until it is drafted.
    """
    about = {
        "environment": environment,
        "cluster": cluster,
        "namespace": namespace,
        "region": region,
        "service": service,
    }
    wanted = request({"intent": text, "context": about, "session": session})
    async with asking(folder) as (actor, requests):
        draft_id = await requests.ask(actor, wanted, break_glass=glass(break_glass))
        found = await requests.settled(actor, draft_id, seconds=WAIT if wait else 0)
    show(found, json)


async def correct(
    reference: str,
    text: str,
    *,
    folder: Path = DEFAULT_FOLDER,
    json: bool = False,
    wait: bool = True,
) -> None:
    """Say in a plan's thread what should be different, or ask about it.

    Exit code 1 when nothing came of it but a refusal.

    Args:
        reference: P-1042, or the plan's id.
        text: as one would write it in the thread.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: as the API answers it.
        wait: with --no-wait do not wait for what comes of it.
    """
    said = request({"intent": text}).intent
    async with asking(folder) as (actor, requests):
        draft_id = await requests.correct(actor, reference, said)
        found = await requests.settled(actor, draft_id, seconds=WAIT if wait else 0)
    show(found, json)


def show(found: "Standing", json: bool) -> None:
    """Print what came of it; exit code 1 for a refusal."""
    import orjson

    from bot.http.drafts import became

    body = became(found)
    if json:
        print(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())  # noqa: T201 - the command's answer
    else:
        print("\n".join(told(found, body)))  # noqa: T201 - the command's answer
    if body["kind"] == "refuse":
        raise SystemExit(1)


async def listed(
    *,
    state: VersionState | None = None,
    service: str = "",
    limit: int = 50,
    folder: Path = DEFAULT_FOLDER,
    json: bool = False,
) -> None:
    """List plans, newest first.

    Args:
        state: those alone whose current version stands there.
        service: those alone that are about this service.
        limit: how many at most.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: one object per line, for scripts.
    """
    from bot.cli.library import shown
    from bot.cli.records import open_records
    from bot.http.bodies import short

    async with open_records(folder) as views, views.store.begin() as unit:
        found = await unit.plans.listed(
            limit=max(1, min(limit, AT_MOST)), state=state, service=service
        )
    rows: list[dict[str, Any]] = [
        short(version, at)
        if json
        else {
            "plan": f"{version.reference} v{version.version}",
            "state": at.value,
            "risk": version.risk.word,
            "service": version.context.service,
            "asked by": version.requester_name,
            "title": version.title,
        }
        for version, at in found
    ]
    print(shown(rows, COLUMNS, json=json))  # noqa: T201 - the command's answer


@asynccontextmanager
async def asking(folder: Path) -> "AsyncIterator[tuple[Actor, Requests]]":
    """Ask as this machine's user; what is wrong with which field is in the sentence."""
    import getpass

    from bot.cli.records import configured
    from engine.domain.actor import Actor, ActorKind
    from engine.domain.ids import PersonId
    from engine.services.requests import Requests
    from engine.wiring import open_engine

    settings, name = configured(folder), getpass.getuser()
    actor = Actor(kind=ActorKind.SERVICE, id=PersonId(f"cli:{name}"), name=name)
    async with open_engine(settings, gate=False) as engine:
        try:
            yield (
                actor,
                Requests(
                    engine.store,
                    engine.conversations,
                    engine.revisions,
                    engine.services,
                    engine.tools,
                    engine.tenant,
                    settings.slack.channel,
                ),
            )
        except Invalid as error:
            raise CarapulseError(with_fields(error)) from None


def glass(reason: str) -> str:
    """The reason for break-glass, if one is given. Raises `Invalid`."""
    from pydantic import TypeAdapter, ValidationError

    from engine.domain.glass import TOO_SHORT, BreakGlassReason

    kind: TypeAdapter[str] = TypeAdapter(BreakGlassReason)
    try:
        return kind.validate_python(reason) if reason else ""
    except ValidationError:
        raise Invalid(f"--break-glass must hold the reason. {TOO_SHORT}") from None


def request(given: dict[str, Any]) -> "Wanted":
    """The words as a request. Raises `Invalid`."""
    from pydantic import ValidationError

    from engine.domain.wanted import Wanted

    try:
        return Wanted.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Invalid(f"That can't be asked for: {where}: {first['msg']}.") from None


def with_fields(error: Invalid) -> str:
    """The sentence, and what is wrong with which field."""
    return " ".join([str(error), *(f"{name}: {text}." for name, text in error.fields.items())])


def told(found: "Standing", body: dict[str, Any]) -> list[str]:
    """The answer as lines."""
    from bot.cli.library import printable

    version = found.version
    if version is None:
        lines = [str(body.get("answer") or "It is being drafted; its card comes in the channel.")]
        lines += [f"  [{choice}]" for choice in body.get("choices", ())]
        return [printable(line) for line in lines]
    steps = [f"  {step.number} {step.title}" for step in version.steps]
    return [
        printable(line)
        for line in (
            f"{version.reference} v{version.version}  {version.title}",
            f"{version.context}  {version.risk.word} risk: {'; '.join(version.risk_reasons)}",
            *steps,
            f"It waits for people: carapulse plan show {version.reference}",
        )
    ]
