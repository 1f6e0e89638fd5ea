"""`carapulse policy shadow`: what a candidate of the policy would answer differently."""

import json as encoding
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from engine.domain.shadow import Difference, Said, Shadowed, Tally

NONE = "No candidate has been tried. Set CARAPULSE_POLICY__SHADOW_FOLDER and start again."


async def shadow(*, limit: int = 20, json: bool = False, folder: Path = DEFAULT_FOLDER) -> None:
    """List what the candidate of policy.shadow_folder would have answered differently.

    Args:
        limit: how many differences of each candidate.
        json: one candidate per line, for scripts.
        folder: of the `carapulse up` that runs, when no database is configured.
    """
    from bot.cli.records import configured
    from engine.store.connection import open_pool
    from engine.store.shadows import PostgresShadows

    settings = configured(folder)
    postgres = settings.postgres
    pool = await open_pool(
        postgres.dsn.get_secret_value(),
        size=1,
        statement_timeout=postgres.statement_timeout_seconds,
        connect_timeout=postgres.connect_timeout_seconds,
    )
    try:
        found = await PostgresShadows(pool, settings.tenant).report(limit)
    finally:
        await pool.close()
    if json:
        rows = [encoding.dumps(one.model_dump(mode="json")) for one in found]
    else:
        rows = [line for one in found for line in told(one)] or [NONE]
    print("\n".join(rows))  # noqa: T201 - the command's answer


def told(found: "Shadowed") -> list[str]:
    """One candidate as lines."""
    lines = [headed(found.tally)]
    if found.tally.problem:
        lines.append(f"  not used: {found.tally.problem}")
    for one in found.differences:
        lines += [f"  {one.count} x {named(one)}", f"    now:   {words(one.live)}"]
        lines.append(f"    then:  {words(one.shadow)}")
    return lines


def headed(tally: "Tally") -> str:
    """The counts."""
    said = f"{tally.candidate}: {tally.asked} questions since {tally.since:%Y-%m-%d %H:%M}"
    said += f", {tally.different} answered differently"
    said += f", {tally.dropped} not asked" if tally.dropped else ""
    return said + (f", {tally.failed} without an answer" if tally.failed else "")


def named(one: "Difference") -> str:
    """`plan.approve by person (sre) on checkout in prod, high risk`."""
    kind = one.question
    groups = f" ({', '.join(kind.groups)})" if kind.groups else ""
    where = " in ".join(filter(None, (kind.service, kind.environment)))
    own = ", their own" if kind.own else ""
    place = f" on {where}" if where else ""
    return f"{kind.action} by {kind.actor}{groups}{place}, {kind.risk} risk{own}"


def words(said: "Said") -> str:
    """The answer in a line."""
    needs = said.requirements
    of = "; ".join(" or ".join(one) for one in needs.groups)
    asks = f", {needs.people} of {of}" if of else ""
    asks += ", break-glass" if needs.break_glass else ""
    return f"{said.decision.value}{asks}: {' '.join((*said.reasons, *said.constraints.hold))}"
