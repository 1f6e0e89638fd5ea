"""`carapulse eval`: how good drafts are, scenario by scenario."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from bot.cli.up import DEFAULT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.evals.scoring import Score
    from engine.evals.table import Chooses, Worlds

evals = App(name="eval", help="Score drafts against scenarios, or make scenarios of feedback.")
GOOD = 0.9


@evals.default
async def run(
    *,
    folder: Path | None = None,
    live: bool = False,
    threshold: float = GOOD,
    only: str = "",
    json: bool = False,
) -> None:
    """Play every scenario and print a table; the exit code is 1 below the threshold.

    Args:
        folder: of your own scenarios; those that ship with Carapulse without it.
        live: ask the configured models, which costs money, instead of playing recorded replies.
        threshold: the mean score, 0 to 1, that is good enough.
        only: scenarios whose name contains this.
        json: one object, for scripts.
    """
    from engine.evals.scenario import load_scenarios
    from engine.evals.table import mean, played
    from engine.resources import shipped

    home = shipped("evals")
    scenarios = [one for one in load_scenarios(folder or home) if only in one.name]
    scores = await played(scenarios, worlds(home), chosen(live=live))
    good = bool(scores) and mean(scores) >= threshold and not any(one.fatal for one in scores)
    print(as_json(scores, good=good) if json else as_table(scores, good=good))  # noqa: T201
    sys.exit(0 if good else 1)


@evals.command
async def export(to: Path, *, folder: Path = DEFAULT_FOLDER, limit: int = 100) -> None:
    """Write each thumbs-down as a scenario, to be completed by a person.

    Args:
        to: the folder to write to; files that are there are left as they are.
        folder: of the `carapulse up` that runs, when no database is configured.
        limit: how many, the newest first.
    """
    from bot.cli.records import configured, open_records
    from engine.domain.feedback import Thumb
    from engine.domain.ids import Tenant
    from engine.evals.exporting import scenario_of, written
    from engine.ground import now
    from engine.services.feedback import Feedback
    from engine.tools.redaction import Redactor

    async with open_records(folder) as views:
        feedback = Feedback(views.store, now, Tenant(configured(folder).tenant))
        disliked = await feedback.export(Thumb.DOWN, limit=limit)
    redactor = Redactor([])
    found = filter(None, (scenario_of(one, redactor.text) for one in disliked))
    made = saved(to, {one.name: written(one) for one in found})
    print(f"{made} new scenarios in {to}. Say in `must` what would have been right.")  # noqa: T201


def saved(folder: Path, texts: dict[str, str]) -> int:
    """Write those that are not there yet; return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    new = {name: text for name, text in texts.items() if not (folder / f"{name}.yaml").exists()}
    for name, text in new.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return len(new)


def worlds(home: Path) -> "Worlds":
    """The services of the scenarios, with the demo's playbooks and tools."""
    from bot.local import demo
    from engine.evals.table import Worlds

    return Worlds(home / "worlds", Path(str(demo.__file__)).parent)


def chosen(*, live: bool) -> "Chooses":
    """The models that answer. Raises `ConfigurationError` where none is configured."""
    from engine.evals import table
    from engine.llm.prompts import load_prompts
    from engine.resources import shipped

    prompts = load_prompts(shipped("prompts"))
    if not live:
        return table.recorded(prompts)
    from engine import models
    from engine.errors import ConfigurationError
    from engine.settings import Settings
    from engine.telemetry.metrics import Metrics
    from engine.tools.redaction import Redactor

    llm = Settings.load().llm
    redactor = Redactor([one for one in models.secrets(llm) if one])
    router = models.router(llm, spending=None, redactor=redactor, metrics=Metrics())
    if not router.routes:
        raise ConfigurationError(
            "No language model is configured. Set OPENAI_API_KEY, ANTHROPIC_API_KEY or "
            "llm.providers."
        )
    return table.live(prompts, router, models.planning(llm))


def as_table(scores: "Sequence[Score]", *, good: bool) -> str:
    """A line per scenario with what is missing below it, and the sum at the end."""
    from engine.evals.table import mean

    width = max(len(one.played.scenario.name) for one in scores) if scores else 0
    lines = []
    for one in scores:
        name, outcome = one.played.scenario.name, one.played.outcome
        lines.append(
            f"{name:<{width}}  {one.value:>5.0%}  {outcome.kind.value:<8}  "
            f"{len(one.played.evidence):>2} reads  {one.played.seconds * 1000:>6.0f} ms"
        )
        lines += [f"{'':<{width}}  missing: {what}" for what in one.broken]
        if one.played.error and one.broken:
            lines.append(f"{'':<{width}}  {one.played.error}")
    whole = sum(one.value == 1 for one in scores)
    verdict = "good enough" if good else "not good enough"
    lines.append(f"{whole} of {len(scores)} whole, mean {mean(scores):.1%}: {verdict}")
    return "\n".join(lines)


def as_json(scores: "Sequence[Score]", *, good: bool) -> str:
    """The same for scripts."""
    from json import dumps

    from engine.evals.table import mean

    rows = [
        {
            "name": one.played.scenario.name,
            "title": one.played.scenario.title,
            "score": round(one.value, 4),
            "outcome": one.played.outcome.kind.value,
            "missing": one.broken,
            "reads": len(one.played.evidence),
            "seconds": round(one.played.seconds, 4),
            "error": one.played.error,
        }
        for one in scores
    ]
    return dumps({"good": good, "mean": round(mean(scores), 4), "scenarios": rows}, indent=2)
