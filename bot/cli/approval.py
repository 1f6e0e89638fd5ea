"""`carapulse approval`: what waits for people, and what a person says to it, over the API."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from bot.cli.up import DEFAULT_FOLDER
from engine.errors import CarapulseError

approval = App(name="approval", help="List what waits for people; approve or reject it.")

COLUMNS = ("plan", "risk", "approvals", "service", "asked by", "title")
SECONDS = 30.0
MOST = 200
Token = Annotated[str, Parameter(env_var="CARAPULSE_TOKEN")]


@approval.command(name="list")
async def listed(*, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """List plan versions that wait for people, newest plans first.

    Args:
        folder: of the `carapulse up` that runs, when no database is configured.
        json: one object per line, as the API answers it.
    """
    from bot.cli.library import shown
    from bot.cli.records import open_records
    from bot.http.approvals import open_one
    from engine.domain.plan import VersionState

    async with open_records(folder) as views, views.store.begin() as unit:
        found = await unit.plans.listed(limit=MOST, state=VersionState.WAITING)
        items = [
            open_one(version, await unit.approvals.of(version.plan_id, version.version))
            for version, _ in found
        ]
    rows = items if json else [row(item) for item in items]
    print(shown(rows, COLUMNS, json=json))  # noqa: T201 - the command's answer


def row(item: dict[str, Any]) -> dict[str, Any]:
    """A version as a line of the table."""
    return {
        "plan": f"{item['reference']} v{item['version']}",
        "risk": item["risk"],
        "approvals": f"{item['have']} of {item['need']}",
        "service": item["context"].get("service") or "",
        "asked by": item["requester"]["name"],
        "title": item["title"],
    }


@approval.command
async def approve(
    reference: str,
    *,
    token: Token,
    version: int | None = None,
    reason: str = "",
    ticket: str = "",
    url: str = "",
    folder: Path = DEFAULT_FOLDER,
    json: bool = False,
) -> None:
    """Approve a plan version as the person whose token this is.

    Where a second sign-in is needed nothing is recorded: the link to it is printed. Exit code 1
    for every refusal.

    Args:
        reference: P-1042, or the plan's id.
        token: yours from the identity provider; better in CARAPULSE_TOKEN than on the line.
        version: needed where there are several.
        reason: why; break-glass asks for it.
        ticket: of the emergency, for break-glass.
        url: of the sidecar; usually that of the settings.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: as the API answers it.
    """
    said = {"status": "approved", "version": version, "reason": reason, "ticket": ticket}
    await decide(reference, said, token, url or address(folder), json=json)


@approval.command
async def reject(
    reference: str,
    *,
    token: Token,
    version: int | None = None,
    reason: str = "",
    url: str = "",
    folder: Path = DEFAULT_FOLDER,
    json: bool = False,
) -> None:
    """Reject a plan version as the person whose token this is; everybody reads why.

    Args:
        reference: P-1042, or the plan's id.
        token: yours from the identity provider; better in CARAPULSE_TOKEN than on the line.
        version: needed where there are several.
        reason: what a new draft should do differently.
        url: of the sidecar; usually that of the settings.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: as the API answers it.
    """
    said = {"status": "rejected", "version": version, "reason": reason}
    await decide(reference, said, token, url or address(folder), json=json)


def address(folder: Path) -> str:
    """Where the sidecar is. Raises `CarapulseError`."""
    from bot.cli.records import configured

    found = configured(folder).http.public_url
    if not found:
        raise CarapulseError("Say where Carapulse is: --url, or CARAPULSE_HTTP__PUBLIC_URL.")
    return found


async def decide(reference: str, said: dict[str, Any], token: str, url: str, *, json: bool) -> None:
    """Ask the API, and print its answer. Raises `CarapulseError` with why not."""
    import aiohttp
    import orjson

    body = {"plan_id": reference} | {name: one for name, one in said.items() if one}
    headers = {"Authorization": f"Bearer {token.strip()}"}
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.post(
                f"{url.rstrip('/')}/v1/approvals", json=body, allow_redirects=False
            ) as response,
        ):
            told = orjson.loads(await response.read())
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        kind = type(error).__name__
        raise CarapulseError(f"{url} does not answer ({kind}); nothing is known.") from None
    if response.status != 200:
        raise CarapulseError(refusal(told))
    print(orjson.dumps(told).decode() if json else told["detail"])  # noqa: T201 - the answer


def refusal(told: dict[str, Any]) -> str:
    """Why not, what is wrong with which field, and where to sign in."""
    from bot.cli.library import printable

    fields = [f"{one['path']}: {one['detail']}." for one in told.get("errors", ())]
    link = [f"Sign in: {told['sign_in_url']}"] if told.get("sign_in_url") else []
    return printable(" ".join([str(told.get("detail", "It was refused.")), *fields, *link]))
