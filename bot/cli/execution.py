"""`carapulse execution`: executions and their logs."""

from pathlib import Path

from cyclopts import App

from bot.cli.up import DEFAULT_FOLDER

execution = App(name="execution", help="Show executions and their logs.")


@execution.command
async def logs(reference: str, *, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """Print an execution's whole log.

    Args:
        reference: X-311, or the execution's id.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: one object per line, for scripts.
    """
    from bot.cli.records import open_records

    async with open_records(folder) as views:
        async with views.store.begin() as unit:
            execution_id = await unit.executions.find(reference)
        view = await views.full_log(execution_id)
    for line in view.lines:
        at = line.at.astimezone().isoformat(timespec="seconds")
        print(line.model_dump_json() if json else f"{at} [{line.step}] {line.text}")  # noqa: T201 - the command's answer
