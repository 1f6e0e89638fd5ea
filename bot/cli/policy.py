"""`carapulse policy`: what other rules would change, and the rules as a bundle for OPA."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from bot.cli.policy_shadow import shadow

if TYPE_CHECKING:
    from engine.policy.preview import Preview

policy = App(name="policy", help="Try rules out, and pack them for an OPA server.")
policy.command(shadow, name="shadow")


@policy.command(name="test")
async def tried(
    folder: Path | None = None, /, *, before: Path | None = None, json: bool = False
) -> None:
    """Check rules, and list every known kind of question that they answer differently.

    The rules have to be readable, to answer the questions that are asked at every start, and are
    then asked some hundred questions beside the rules without them. Run their own tests with
    `opa test`.

    Args:
        folder: rules of your own; those of policy.folder when it is not given.
        before: rules to compare with beside ours; without it with ours alone.
        json: the report, for scripts.
    """
    from engine.policy.modules import data
    from engine.policy.preview import compared
    from engine.policy.rego import RegoPolicy
    from engine.resources import shipped
    from engine.settings import Settings

    ours = shipped("policies")
    settings = Settings.load().policy
    own, bound = folder or settings.folder, settings.roles
    folders = [ours, own] if own else [ours]
    after = RegoPolicy(folders, bound)
    former = RegoPolicy([ours, before] if before else [ours], bound)
    roles = data(folders, bound).get("roles", {})
    groups = roles.get("approvers", []) if isinstance(roles, dict) else []
    named = tuple(str(group) for group in groups) if isinstance(groups, list) else ()
    found = await compared(former, after, named)
    print(found.model_dump_json(indent=2) if json else "\n".join(said(found)))  # noqa: T201


@policy.command
async def bundle(file: Path, /, *, folder: Path | None = None) -> None:
    """Pack our rules, and those of policy.folder, into a bundle that an OPA server loads.

    Args:
        file: what to write, such as bundle.tar.gz.
        folder: rules of your own; those of policy.folder when it is not given.
    """
    from engine.policy.bundle import packed
    from engine.resources import shipped
    from engine.settings import Settings

    settings = Settings.load().policy
    own = folder or settings.folder
    body = packed([shipped("policies"), *filter(None, [own])], settings.roles)
    await asyncio.to_thread(file.write_bytes, body)


def said(found: "Preview") -> list[str]:
    """The report as lines."""
    lines = [f"{found.asked} questions, {found.changed} answered differently."]
    lines += [f"  {count} {which}" for which, count in sorted(found.counts.items())]
    for change in found.changes:
        lines += [change.question, f"  before: {change.before}", f"  after:  {change.after}"]
    if found.changed > len(found.changes):
        lines.append(f"and {found.changed - len(found.changes)} more")
    return lines
