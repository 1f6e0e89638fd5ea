"""What was looked at for a request, and what it means; grows while looking."""

from bot.blocks.answer import choices, rating, results, summary
from bot.blocks.chart import drawn, tabulated
from bot.blocks.knowledge import offers
from bot.blocks.links import CITED, pointed
from bot.blocks.moments import span
from bot.blocks.parts import Block, Message, context, section
from bot.blocks.text import line, outside, shorten
from engine.domain.charts import charts, table
from engine.domain.draft import Evidence, Outcome, OutcomeKind
from engine.domain.views import FindingsView

ROWS = 20
CHARTS = 2
ROOM = 2_900
LEADS = {
    OutcomeKind.ANSWER: "",
    OutcomeKind.QUESTION: ":speech_balloon: ",
    OutcomeKind.REFUSE: ":no_entry_sign: ",
}


def findings(view: FindingsView) -> Message:
    """Progress while looking; then the answer first, and the numbered evidence after it."""
    if not view.done:
        return looking(view)
    answer = conclusion(view.outcome)
    blocks: list[Block] = [section(answer)] if answer else []
    blocks += choices(view.draft, view.outcome) if view.outcome else []
    blocks += offers(view.outcome.offers) if view.outcome else []
    blocks += pictures(view)
    blocks += evidence(view)
    if not blocks:
        blocks = [context("Nothing had to be looked at.")]
    if view.outcome and view.outcome.kind is OutcomeKind.ANSWER:
        blocks.append(rating(f"answer:{view.draft.id}"))
    return {"text": shorten(answer or heading(view), 3000), "blocks": blocks}


def looking(view: FindingsView) -> Message:
    """`Looking: 2 reads so far.` with the last of them."""
    count = len(view.evidence)
    text = f":mag: Looking: {count} {'read' if count == 1 else 'reads'} so far."
    if not count:
        text = ":mag: Looking."
    rows = [context(row(each)) for each in view.evidence[-5:]]
    return {"text": text, "blocks": [section(text), *rows]}


def conclusion(outcome: Outcome | None) -> str:
    """The outcome in words; a plan has its own card and leaves only its reason here."""
    if outcome is None:
        return ""
    if outcome.kind is OutcomeKind.PLAN:
        why = outcome.proposal.why if outcome.proposal else ""
        said = [shown(why, 1500), shown(outcome.text, 1000), outside(outcome.note, 500)]
        return "\n".join(each for each in said if each)
    said = [LEADS.get(outcome.kind, "") + shown(outcome.text, 2000)] if outcome.text else []
    said += [outside(outcome.note, 500)] if outcome.note else []
    return "\n".join(said)


def shown(text: str, limit: int) -> str:
    """Words with their numbers; what these point to stands in the same message."""
    return pointed(outside(text, limit), {})


def pictures(view: FindingsView) -> list[Block]:
    """A chart where a number over time was read; a table where the answer begins with it."""
    found: list[Block] = [drawn(each) for each in charts(view.evidence)[:CHARTS]]
    if view.outcome and view.outcome.kind is OutcomeKind.ANSWER:
        first = CITED.search(view.outcome.text)
        rows = [each for one in view.evidence if (each := table(one))]
        found += [tabulated(each) for each in rows if first and int(first[1]) == each.number]
    return found


def evidence(view: FindingsView) -> list[Block]:
    """What was looked at with numbers that claims point to, then what could not be."""
    seen = [each for each in view.evidence if each.ok]
    missed = [row(each) for each in view.evidence if not each.ok]
    missed += [line(each, 200) for each in view.missing]
    blocks: list[Block] = []
    if seen:
        rows = [row(each) for each in seen[:ROWS]]
        if len(seen) > ROWS:
            rows.append(f"and {len(seen) - ROWS} more")
        blocks.append(section(shorten("\n".join([heading(view), *rows]), ROOM)))
        blocks += results(seen)
    if missed:
        blocks.append(section(shorten("\n".join(["*Not looked at*", *missed[:ROWS]]), ROOM)))
    return blocks


def heading(view: FindingsView) -> str:
    """`What I looked at (8 s, 5 reads)`."""
    count = sum(1 for each in view.evidence if each.ok)
    reads = f"{count} {'read' if count == 1 else 'reads'}"
    return f"*What I looked at* ({span(view.seconds)}, {reads})"


def row(each: Evidence) -> str:
    """One result: its number, what was asked, what came back."""
    return f"[{each.number}] {line(each.title, 120)}: {outside(summary(each), 200)}"
