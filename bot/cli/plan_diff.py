"""`carapulse plan diff` and `carapulse plan versions`."""

from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from engine.domain.ids import PlanId
    from engine.domain.plan import PlanVersion, VersionState
    from engine.ports import Store


async def diff(
    reference: str,
    *,
    version: int | None = None,
    folder: Path = DEFAULT_FOLDER,
    json: bool = False,
) -> None:
    """Show what a plan would change now; with --version what that version changed.

    Args:
        reference: P-1042, or the plan's id.
        version: compare this version with the one before it, instead of looking at the systems.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: for scripts.
    """
    text = await (would(reference, folder, json) if version is None else
                  did(reference, version, folder, json))  # fmt: skip
    print(text.rstrip("\n"))  # noqa: T201 - the command's answer


async def versions(reference: str, *, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """List the versions of a plan: who made each, what it changed, and what became of it.

    Args:
        reference: P-1042, or the plan's id.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: for scripts.
    """
    from bot.cli.records import open_records

    async with open_records(folder) as views:
        found = await all_versions(views.store, reference)
    for version, state in found:
        print(as_json(version, state) if json else "\n".join(line(version, state)))  # noqa: T201


async def would(reference: str, folder: Path, json: bool) -> str:
    """What the current version would change, found out now."""
    from bot.blocks.preview import as_text
    from bot.cli.records import configured
    from engine.wiring import open_engine

    async with open_engine(configured(folder), gate=False) as engine:
        found = await engine.previews.version(await named(engine.store, reference))
    if json:
        return found.model_dump_json(indent=2, exclude={"version"})
    return as_text(f"{found.version.reference} v{found.version.version}", found.steps)


async def did(reference: str, number: int, folder: Path, json: bool) -> str:
    """What a version changed of the one before it."""
    import orjson

    from bot.cli.records import open_records
    from bot.http.differences import change, told
    from engine.domain.changes import changes

    async with open_records(folder) as views, views.store.begin() as unit:
        plan_id = await unit.plans.find(reference)
        version = await unit.plans.version(plan_id, number)
        before = await unit.plans.version(plan_id, number - 1) if number > 1 else None
    found = changes(before, version) if before else ()
    if json:
        return orjson.dumps([change(each) for each in found], option=orjson.OPT_INDENT_2).decode()
    return told(version, found)


async def named(store: "Store", reference: str) -> "PlanId":
    """The plan of a reference."""
    async with store.begin() as unit:
        return await unit.plans.find(reference)


async def all_versions(store: "Store", reference: str) -> "list[tuple[PlanVersion, VersionState]]":
    """Every version with its state, first ones first."""
    async with store.begin() as unit:
        plan_id = await unit.plans.find(reference)
        current = await unit.plans.current(plan_id)
        return [
            (await unit.plans.version(plan_id, each), await unit.plans.state(plan_id, each))
            for each in range(1, current.version + 1)
        ]


def line(version: "PlanVersion", state: "VersionState") -> list[str]:
    """A version, and below it what it changed."""
    by = version.changed_by or version.requester_name
    at = version.created_at.astimezone().isoformat(timespec="minutes")
    first = f"v{version.version}  {state.value:<11} {at}  {by}: {version.title}"
    return [first, *(f"      {each}" for each in version.changes)]


def as_json(version: "PlanVersion", state: "VersionState") -> str:
    """One line for scripts."""
    import orjson

    return orjson.dumps(
        {
            "version": version.version,
            "state": state.value,
            "title": version.title,
            "by": version.changed_by or version.requester_name,
            "digest": version.digest,
            "created_at": version.created_at.isoformat(),
            "changes": list(version.changes),
        }
    ).decode()
