"""`carapulse plan`: plans as they are stored."""

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from bot.cli.draft import draft
from bot.cli.plan_create import correct, create, listed
from bot.cli.plan_diff import diff, versions
from bot.cli.plan_verbs import cancel, execute, withdraw
from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from engine.domain.views import PlanView

plan = App(name="plan", help="Ask for plans, list and show them.")
plan.command(create)
plan.command(correct)
plan.command(listed, name="list")
plan.command(draft)
plan.command(diff)
plan.command(versions)
plan.command(execute)
plan.command(withdraw)
plan.command(cancel)


@plan.command
async def show(reference: str, *, folder: Path = DEFAULT_FOLDER, json: bool = False) -> None:
    """Show a plan's current version: its steps, decisions and where it stands.

    Args:
        reference: P-1042, or the plan's id.
        folder: of the `carapulse up` that runs, when no database is configured.
        json: the whole record, for scripts.
    """
    from bot.cli.records import open_records

    async with open_records(folder) as views:
        async with views.store.begin() as unit:
            plan_id = await unit.plans.find(reference)
        view = await views.plan(plan_id)
    if json:
        print(view.model_dump_json(indent=2))  # noqa: T201 - the command's answer
        return
    print("\n".join(told(view)))  # noqa: T201 - the command's answer


def told(view: "PlanView") -> list[str]:
    """The plan as lines, in the order of its card."""
    version = view.version
    lines = [
        f"{version.reference} v{version.version}  {version.title}",
        f"{view.state.value}{f': {view.reason}' if view.reason else ''}",
        f"{version.context}  {version.risk.word} risk: {'; '.join(version.risk_reasons)}",
        f"Asked by {version.requester_name}. {version.why}".strip(),
        *(f"Made with {used.kind}: {used.title}" for used in version.knowledge),
    ]
    states = {step.number: step for step in view.execution.steps} if view.execution else {}
    for step in version.steps:
        record = states.get(step.number)
        state = f"  [{record.state.value}] {record.message}" if record else ""
        lines.append(f"  {step.number} {step.title}{state}")
        lines += [f"      $ {' '.join(argv)}" for argv in step.call.commands]
        if step.call.request:
            lines.append(f"      {step.call.request.method} {step.call.request.url}")
        if step.rollback:
            lines.append(f"      undo: {step.rollback.title}")
    for signed in view.approvals:
        said = signed.statement
        at = said.at.astimezone().isoformat(timespec="minutes")
        lines.append(f"{said.verdict.value} by {said.person_name}, {at} ({said.surface.value})")
    lines.append(f"{view.have} of {view.need} approvals. Digest {version.digest}")
    return lines + list(view.effects)
