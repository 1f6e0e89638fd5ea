"""`carapulse execution`: executions, their logs, and what they are told to do."""

from pathlib import Path

from cyclopts import App

from bot.cli.artifacts import artifacts, download
from bot.cli.operating import answer, open_hands, tell
from bot.cli.up import DEFAULT_FOLDER
from engine.domain.execution import Choice

execution = App(name="execution", help="Show executions and their logs; pause, cancel, decide.")

execution.command(artifacts)
execution.command(download)

SHARED = """

    Args:
        reference: X-311, or the execution's id.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: the execution as the API answers it.
    """


@execution.command
async def show(reference: str, *, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """Show where an execution stands, step by step, and what can be chosen.

    Args:
        reference: X-311, or the execution's id.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: the execution as the API answers it.
    """
    from bot.cli.records import open_records
    from bot.http import bodies

    async with open_records(folder) as views, views.store.begin() as unit:
        found = await unit.executions.get(await unit.executions.find(reference))
    lines = [f"{found.reference}  {found.state.value}  {found.reason}".rstrip()]
    lines += [
        f"  {one.number} [{one.state.value}] {one.title}  {one.message}" for one in found.steps
    ]
    if found.choices:
        lines.append(f"It can be told to: {', '.join(one.value for one in found.choices)}")
    answer("\n".join(lines), bodies.execution(found) if json else None)


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


def _whole(choice: Choice, does: str) -> None:
    """A verb of an execution as a whole."""

    async def verb(reference: str, *, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
        await tell(reference, choice, folder, json=json)

    verb.__doc__ = does + SHARED
    execution.command(verb, name=choice.value)


def _of_step(choice: Choice, does: str) -> None:
    """A verb of one step."""

    async def verb(
        reference: str, step: int, *, folder: Path = DEFAULT_FOLDER, json: bool = False
    ) -> None:
        await tell(reference, choice, folder, step=step, json=json)

    verb.__doc__ = does + SHARED.replace("folder: of", "step: its number.\n        folder: of")
    execution.command(verb, name=choice.value)


_whole(Choice.PAUSE, "Start no new step; a countdown is held.")
_whole(Choice.RESUME, "Go on after a pause.")
_whole(Choice.CANCEL, "Stop the tool that runs; what was changed is kept or undone by a choice.")
_whole(Choice.HOLD, "Stop the countdown to the rollback.")
_whole(Choice.ROLL_BACK, "Undo what was done, now; also once more, after a rollback that failed.")
_whole(Choice.KEEP, "Leave what was changed as it is, and end.")
_whole(Choice.ACKNOWLEDGE, "End with a rollback that failed, and let others go on.")
_of_step(Choice.RETRY, "Make the step in question once more.")
_of_step(Choice.SKIP, "Leave the step in question out. Before a further change only people can.")
_of_step(Choice.MARK_DONE, "Say that the step in question was done. As for skip.")


@execution.command(name="run-again")
async def run_again(reference: str, *, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """Ask for the same steps as a plan of their own, with new approvals.

    Args:
        reference: X-311, or the execution's id.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: the request's id, for scripts.
    """
    async with open_hands(folder) as hands:
        async with hands.engine.store.begin() as unit:
            found = await unit.executions.get(await unit.executions.find(reference))
        draft = await hands.engine.revisions.again(hands.actor, found.plan_id, found.version)
    said = f"{found.reference} is being drafted again; its card comes in the same thread."
    answer(said, {"draft_id": draft} if json else None)
