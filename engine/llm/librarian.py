"""Answers what is asked about runbooks, and names the one that fits where no tool does."""

import re
from collections.abc import Sequence

from engine.domain.draft import Briefing, Offer, Outcome, OutcomeKind, Reading
from engine.domain.knowledge import Used
from engine.domain.passage import Passage
from engine.domain.plan import Proposal
from engine.ports import Planner

SHOW = "runbook.show"
OFFERS = 3
# "is there a runbook for X?", "do we have runbooks about X", "show me the runbook for X".
FOR = re.compile(
    r"^(?:(?:please|can you|could you|hey|so|and|ok|pls)[ ,]+)*"
    r"(?:is there|are there|do we have|have we(?: got)?|have you(?: got)?|any|which|what|where is"
    r"|find|search|look up|show|open|get|give|got)\b[^?]*?\brunbooks?\b"
    r"(?: (?:is |are |there )*(?:for|about|on|of|to|with|that covers?|called|named))?"
    r" ?(?P<about>.*)$",
    re.IGNORECASE | re.DOTALL,
)
# "show me the X runbook", "runbook for X?", "how do we X? is there a runbook".
NAMED = re.compile(
    r"^(?:(?:please|can you|could you)[ ,]+)*(?:show|open|find|get)(?: me)?(?: the)? "
    r"(?P<about>.+?) runbook[.?! ]*$",
    re.IGNORECASE | re.DOTALL,
)
BARE = re.compile(r"^runbooks? (?:for|about|on) (?P<about>.+)$", re.IGNORECASE | re.DOTALL)
NO_TOOL = "no tool covers it"


class Librarian:
    """The `Planner` port around another one. What it names, it can show."""

    def __init__(self, inner: Planner) -> None:
        self.name = inner.name
        self._inner = inner

    async def readings(self, briefing: Briefing) -> Sequence[Reading]:
        """Nothing has to be looked at for a question about runbooks."""
        if asked_for(briefing.draft.text) is not None:
            return ()
        return await self._inner.readings(briefing)

    async def plan(self, briefing: Briefing) -> Outcome:
        """Raises what the other one does."""
        about = asked_for(briefing.draft.text)
        if about is not None:
            return found(about, runbooks(briefing))
        outcome = await self._inner.plan(briefing)
        if outcome.kind is OutcomeKind.PLAN and outcome.proposal:
            return outcome.model_copy(update={"proposal": named(outcome.proposal)})
        if outcome.kind is OutcomeKind.REFUSE:
            return offering(outcome, runbooks(briefing))
        return outcome


def asked_for(text: str) -> str | None:
    """What a runbook is asked about; None where none is asked for."""
    words = " ".join(text.split())
    match = NAMED.match(words) or FOR.match(words) or BARE.match(words)
    return match["about"].strip(" .?!") if match else None


def found(about: str, fitting: Sequence[Passage]) -> Outcome:
    """The runbooks that fit, with a button for each."""
    if not fitting:
        subject = f" for {plain(about)}" if about else ""
        return Outcome(
            kind=OutcomeKind.ANSWER,
            text=f"There is no runbook{subject}. `/carapulse runbook list` shows all there are.",
        )
    titles = " and ".join(f"*{plain(one.title)}*" for one in fitting)
    text = f"There is the runbook {titles}." if len(fitting) == 1 else f"There are {titles}."
    return Outcome(kind=OutcomeKind.ANSWER, text=text, offers=offers(fitting))


def offering(outcome: Outcome, fitting: Sequence[Passage]) -> Outcome:
    """A refusal with the way out that somebody wrote down."""
    if not fitting:
        return outcome
    first = fitting[0]
    covers = "does" if NO_TOOL in outcome.text else "is about it"
    text = f"{outcome.text} The runbook *{plain(first.title)}* {covers}; shall I show it?"
    return outcome.model_copy(update={"text": text, "offers": offers(fitting[:1])})


def offers(fitting: Sequence[Passage]) -> tuple[Offer, ...]:
    """A button that shows each."""
    many = len(fitting) > 1
    return tuple(
        Offer(text=f"Show {one.title}" if many else "Show it", action=SHOW, value=one.id)
        for one in fitting
    )


def named(proposal: Proposal) -> Proposal:
    """What an offline draft was made with is its playbook."""
    if proposal.knowledge or not proposal.used:
        return proposal
    used = tuple(Used(kind="playbook", title=title) for title in proposal.used)
    return proposal.model_copy(update={"knowledge": used})


def runbooks(briefing: Briefing) -> list[Passage]:
    """The runbooks that the words of the request name, the best first."""
    fitting = [one for one in briefing.knowledge if one.kind == "runbook" and one.fits]
    return fitting[:OFFERS]


def plain(text: str) -> str:
    """Words from outside inside a sentence of ours, without formatting."""
    return re.sub(r"[*_~`<>]", "", " ".join(text.split()))[:120]
