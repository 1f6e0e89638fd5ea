"""A candidate of the policy, asked beside the live one; nobody waits for it or follows it.

Questions are queued once they are answered, and asked again from there. A full queue drops them
and counts that. A candidate that can't be used, or is slow, says so and is left alone.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from time import monotonic

import structlog

from engine.domain.policy import Question, Ruling
from engine.domain.shadow import Difference, Mask, Said, Shape, Tally
from engine.errors import ConfigurationError, Unavailable
from engine.policy.bundle import packed
from engine.policy.modules import UNBOUND, Bound
from engine.policy.rego import RegoPolicy
from engine.ports import Clock, Policy
from engine.ports.shadows import Shadows
from engine.telemetry.metrics import Metrics

MOST = 1000
# Kinds of differences between two writings; others of the same while are counted alone.
KINDS = 100
EVERY = 5.0
# In our own process an evaluation holds up everything else.
SLOWEST = 0.25
UNREADABLE = "unreadable"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Rules to be tried out; without a `policy` there is a problem."""

    name: str
    policy: Policy | None = None
    problem: str = ""


class Shadow:
    """One candidate, its queue, and what became of the questions."""

    def __init__(
        self, candidate: Candidate, kept: Shadows, metrics: Metrics, clock: Clock, mask: Mask
    ) -> None:
        self._candidate = candidate
        self._kept = kept
        self._metrics = metrics
        self._clock = clock
        self._mask = mask
        self._queue: asyncio.Queue[tuple[Question, Ruling]] = asyncio.Queue(MOST)
        self._counts = Counter[str]()
        self._found: dict[str, Difference] = {}
        self._since = clock()
        self._busy = False

    def offer(self, question: Question, ruling: Ruling) -> None:
        """Take a question that was answered; never waits, and never fails."""
        if self._candidate.policy is None:
            return
        try:
            self._queue.put_nowait((question, ruling))
        except asyncio.QueueFull:
            self._count("dropped")

    @property
    def idle(self) -> bool:
        """Whether everything that was offered has been asked."""
        return self._queue.empty() and not self._busy

    async def run(self) -> None:
        """Ask what was queued, until cancelled."""
        if problem := self._candidate.problem:
            log.error("candidate policy is not used", action="policy.shadow", error=problem)
        await self.write()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._asking())
            group.create_task(self._writing())

    async def _asking(self) -> None:
        while True:
            given = await self._queue.get()
            self._busy = True
            took = await self.look(*given)
            self._busy = False
            await asyncio.sleep(took)  # so that at most every other moment is the candidate's

    async def _writing(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            if self._counts:
                await self.write()

    async def look(self, question: Question, live: Ruling) -> float:
        """Ask the candidate the same, and keep a difference. How long it took, in seconds."""
        policy, start = self._candidate.policy, monotonic()
        if policy is None:
            return 0
        try:
            shadow = await policy.ask(question)
        except Unavailable as error:
            self._count("failed")
            self._candidate = replace(self._candidate, problem=str(error))
            return monotonic() - start
        took = monotonic() - start
        self._candidate = replace(self._candidate, problem="")
        self._compare(question, Said.of(live), Said.of(shadow))
        if took > SLOWEST and isinstance(policy, RegoPolicy):
            problem = f"It took {took:.2f} s for one question, so it is not asked any more."
            self._candidate = Candidate(self._candidate.name, problem=problem)
            log.error("candidate policy is not used", action="policy.shadow", error=problem)
        return monotonic() - start

    def _compare(self, question: Question, live: Said, shadow: Said) -> None:
        if live == shadow:
            self._count("same")
            return
        self._count("different")
        now = self._clock()
        found = Difference(
            question=Shape.of(question),
            live=live.masked(self._mask),
            shadow=shadow.masked(self._mask),
            count=1,
            since=now,
            at=now,
        )
        before = self._found.get(found.key)
        if before:
            more = {"count": before.count + 1, "at": now}
            self._found[found.key] = before.model_copy(update=more)
        elif len(self._found) < KINDS:
            self._found[found.key] = found

    async def write(self) -> None:
        """Hand over what was counted; where the database does not answer, it is kept for later."""
        counts, found = self._counts, self._found
        self._counts, self._found = Counter(), {}
        now = self._clock()
        tally = Tally(
            candidate=self._candidate.name,
            asked=counts["same"] + counts["different"],
            different=counts["different"],
            dropped=counts["dropped"],
            failed=counts["failed"],
            problem=self._mask(self._candidate.problem)[:500],
            since=self._since,
            at=now,
        )
        try:
            await self._kept.note(tally, list(found.values()))
        except Unavailable as error:
            log.warning("differences wait", action="policy.shadow", component=error.component)
            self._counts.update(counts)
            self._found = {**found, **self._found}

    def _count(self, outcome: str) -> None:
        self._counts[outcome] += 1
        self._metrics.policy_shadow(outcome)


@dataclass(frozen=True, slots=True)
class ShadowedPolicy:
    """The `Policy` port around the live one; whoever asks gets its answer and no other."""

    inner: Policy
    shadow: Shadow

    async def ask(self, question: Question) -> Ruling:
        """Ask the live policy, and let the candidate hear what was asked."""
        ruling = await self.inner.ask(question)
        self.shadow.offer(question, ruling)
        return ruling


def candidate(folders: Sequence[Path], bound: Bound = UNBOUND) -> Candidate:
    """Rules in folders, later ones beside earlier ones; what is wrong with them is told."""
    try:
        name = sha256(packed(folders, bound)).hexdigest()[:16]
    except (ConfigurationError, OSError, UnicodeDecodeError) as error:
        return Candidate(UNREADABLE, problem=str(error))
    try:
        return Candidate(name, RegoPolicy(folders, bound))
    except (ConfigurationError, Unavailable) as error:
        return Candidate(name, problem=str(error))
