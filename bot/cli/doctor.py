"""`carapulse doctor`: what is configured, what answers, and how to mend the rest."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from bot.cli.doctor_finding import Finding

SIGNS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red")}


async def doctor(
    *, folder: Path = DEFAULT_FOLDER, json: bool = False, settings: bool = False
) -> None:
    """Say what is configured, what answers, and what to mend; exit code 1 if something can't work.

    Args:
        folder: of the `carapulse up` that runs, when no database is configured.
        json: one object per line, for scripts.
        settings: list every setting with its value instead, secrets hidden.
    """
    from bot.cli.doctor_settings import listed
    from bot.cli.doctor_visits import examine, read_settings

    if settings:
        print("\n".join(listed(read_settings(folder)[0])))  # noqa: T201 - the command's answer
        return
    findings = await examine(folder)
    print(as_json(findings) if json else "", end="")  # noqa: T201 - the command's answer
    if not json:
        show(findings)
    if any(finding.level == "fail" for finding in findings):
        sys.exit(1)


def as_json(findings: Sequence["Finding"]) -> str:
    """One object per line."""
    from dataclasses import asdict
    from json import dumps

    return "".join(f"{dumps(asdict(finding))}\n" for finding in findings)


def show(findings: Sequence["Finding"]) -> None:
    """One line each, what to do below it."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    width = max(len(finding.area) for finding in findings)
    for finding in findings:
        sign, colour = SIGNS[finding.level]
        line = Text(f"{sign}  ", style=colour)
        line.append(f"{finding.area:<{width}}  {finding.found}", style="default")
        console.print(line)
        if finding.mend:
            console.print(Text(f"{'':<{width + 8}}{finding.mend}", style="dim"))
    failed = sum(finding.level == "fail" for finding in findings)
    warned = sum(finding.level == "warn" for finding in findings)
    counted = f"{plural(len(findings), 'check')}, {failed} failed, {plural(warned, 'warning')}."
    console.print(counted, markup=False)


def plural(count: int, one: str) -> str:
    """`1 check`, `2 checks`."""
    return f"{count} {one}" + ("" if count == 1 else "s")
