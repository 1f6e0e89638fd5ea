"""Whoever moves an issue decides on the plan that it shows, through the one gate."""

from dataclasses import dataclass

from engine.domain.actor import LINEAR, Actor, Surface
from engine.domain.approval import Verdict
from engine.domain.audit import AuditEvent
from engine.domain.issue import Issue, IssueMove, Standing
from engine.errors import CarapulseError, Conflict, NotAllowed, NotFound, Tampered, Unavailable
from engine.ports import Clock, Directory, Store
from engine.ports.tracking import Accounts, Tracker
from engine.services.approvals import Approvals
from engine.services.issue_words import IssueWords, not_here, plain
from engine.services.issues import STANDINGS, moved, said

VERDICTS = {Standing.APPROVED: Verdict.APPROVE, Standing.REJECTED: Verdict.REJECT}
DEEDS = {Verdict.APPROVE: "plan.approve", Verdict.REJECT: "plan.reject"}
NOT_SHOWN = (
    "This issue was moved to {state} before it showed any version of the plan, so that does not "
    "count."
)
PROGRAM = (
    "{who} moved this issue to {state}. Only people decide on plans, so that does not count. "
    "Somebody who may approve it can move it themselves."
)
STRANGER = (
    "Thank you, {who}. I don't know which person of our directory you are, so moving this issue to "
    "{state} does not count. Whoever keeps the directory can add your Linear account to your entry."
)
ELSEWHERE = "It can't be approved here; its card is where the reason and the sign-in are asked for."


@dataclass(frozen=True, slots=True)
class IssueMoves:
    """What people did in an issue, from its own history; each move is answered once."""

    store: Store
    tracker: Tracker
    gate: Approvals
    directory: Directory
    accounts: Accounts
    words: IssueWords
    clock: Clock

    async def look(self, issue_id: str) -> str:
        """Decide what was moved and not answered yet; what became of it. Raises `Unavailable`."""
        async with self.store.begin() as unit:
            issue = await unit.issues.of_issue(issue_id)
        if issue is None:
            return "no issue of ours"
        try:
            moves = await self.tracker.moves(issue_id)
        except NotFound:
            return "the issue is gone"
        answered = 0
        for move in moves:
            answered += await self._answered(issue, move)
        return f"{answered} moves"

    async def _answered(self, issue: Issue, move: IssueMove) -> bool:
        """Whether this was the first time that the move was seen."""
        if move.to is None or move.to not in VERDICTS:
            return False
        # One entry of a history may be changed by a later move of the same person.
        key = f"{move.id}:{move.to}"
        async with self.store.begin() as unit:
            if await unit.issues.answered(key):
                return False
            # Read anew: it may show more than when the moves were asked for.
            issue = await unit.issues.of_plan(issue.plan_id) or issue
            version = await unit.plans.current(issue.plan_id)
            state = await unit.plans.state(issue.plan_id, version.version)
        if not move.actor and STANDINGS.get(state) is move.to:  # as when our own key moved it
            return False
        text = await self._decided(issue, move, VERDICTS[move.to])
        async with self.store.begin() as unit:
            if not await unit.issues.answer(key, issue.plan_id):
                return False
            version = await unit.plans.current(issue.plan_id)
            state = await unit.plans.state(issue.plan_id, version.version)
            await unit.issues.note(issue.plan_id, *([said(text)] if text else []), moved(state))
        return True

    async def _decided(self, issue: Issue, move: IssueMove, verdict: Verdict) -> str:
        """What to say in the issue; a decision that counted is told with the others."""
        try:
            number = shown(issue, move)
            actor = await self._person(move)
        except (NotAllowed, Conflict) as error:
            await self._refused(issue, move, verdict, str(error))
            return str(error)
        try:
            done = await self.gate.decide(
                actor, issue.plan_id, number, verdict, surface=Surface.LINEAR
            )
        except Unavailable:
            raise
        except CarapulseError as error:
            return await self._said(issue, number, verdict, str(error))
        return (
            "" if done.complete or verdict is Verdict.REJECT else await self.words.answer(done.text)
        )

    async def _person(self, move: IssueMove) -> Actor:
        """The person behind an account, by the directory alone: a name or an address is none."""
        who, state = plain(move.name or "Something"), plain(move.state)
        if not move.actor:
            raise NotAllowed(PROGRAM.format(who=who, state=state))
        found = self.accounts.linear(move.actor)
        person = await self.directory.by_id(found) if found else None
        if person is None:
            raise NotAllowed(STRANGER.format(who=who, state=state))
        return person

    async def _said(self, issue: Issue, number: int, verdict: Verdict, refusal: str) -> str:
        """A refusal of the gate, and where it can be done instead."""
        text = await self.words.answer(refusal)
        try:
            async with self.store.begin() as unit:
                version = await unit.plans.version(issue.plan_id, number)
        except (NotFound, Tampered):
            return text
        here = verdict is Verdict.REJECT or not not_here(version)
        return text if here else f"{ELSEWHERE} {text}"

    async def _refused(self, issue: Issue, move: IssueMove, verdict: Verdict, said: str) -> None:
        """Who never came to the gate is in the audit too."""
        async with self.store.begin() as unit:
            await unit.audit.record(
                AuditEvent(
                    actor=LINEAR,
                    action=DEEDS[verdict],
                    subject=issue.plan_id,
                    decision="deny",
                    reason=said,
                    detail={
                        "surface": Surface.LINEAR.value,
                        "issue": issue.identifier,
                        "account": move.actor,
                    },
                    at=self.clock(),
                )
            )


def shown(issue: Issue, move: IssueMove) -> int:
    """The version that was to be read there. Raises `Conflict` when there was none."""
    number = issue.shown_at(move.at)
    if not number:
        raise Conflict(NOT_SHOWN.format(state=plain(move.state)))
    return number
