"""What language models have cost, in Postgres."""

from dataclasses import dataclass
from datetime import UTC

from engine.domain.spending import Allowance, DaySpending, Hold, Spent
from engine.ports import Clock
from engine.store.connection import Connection, Pool, answering

ALL = ""
KNOWN = """
INSERT INTO model_spending (tenant, day, person) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
# The row's lock makes two questions at once wait for each other, so the limit holds for both.
TAKE = """
UPDATE model_spending
SET questions = questions + 1, tokens = tokens + $4, microdollars = microdollars + $5
WHERE tenant = $1 AND day = $2 AND person = $3
  AND ($6::bigint = 0 OR tokens + $4 <= $6) AND ($7::bigint = 0 OR microdollars + $5 <= $7)
RETURNING questions
"""
SETTLE = """
UPDATE model_spending
SET tokens = greatest(tokens + $4, 0), microdollars = greatest(microdollars + $5, 0)
WHERE tenant = $1 AND day = $2 AND person = ANY($3::text[])
"""


class Over(Exception):
    """Nothing is left; ends the transaction, so that nothing stays set aside."""


@dataclass(frozen=True, slots=True)
class PostgresSpending:
    """The `Spending` port. Days are those of UTC."""

    pool: Pool
    tenant: str
    allowance: Allowance
    clock: Clock

    async def reserve(self, person: str, spent: Spent) -> Hold:
        """Take from everybody's allowance and from the person's, or from neither."""
        hold = Hold(day=self.clock().astimezone(UTC).date(), person=person, spent=spent)
        try:
            async with answering(), self.pool.acquire() as connection, connection.transaction():
                for who in dict.fromkeys((ALL, person)):
                    await self._take(connection, hold, who)
        except Over as over:
            return hold.model_copy(update={"refusal": str(over)})
        return hold

    async def settle(self, hold: Hold, spent: Spent) -> None:
        """Correct both rows of the day on which it was taken."""
        async with answering():
            await self.pool.execute(
                SETTLE,
                self.tenant,
                hold.day,
                list({ALL, hold.person}),
                spent.tokens - hold.spent.tokens,
                spent.microdollars - hold.spent.microdollars,
            )

    async def today(self) -> list[DaySpending]:
        """What today has cost so far: all first, then those who asked for most."""
        async with answering():
            rows = await self.pool.fetch(
                "SELECT day, person, questions, tokens, microdollars FROM model_spending "
                "WHERE tenant = $1 AND day = $2 ORDER BY person <> '', tokens DESC LIMIT 100",
                self.tenant,
                self.clock().astimezone(UTC).date(),
            )
        return [
            DaySpending(
                day=row["day"],
                person=row["person"],
                questions=row["questions"],
                spent=Spent(tokens=row["tokens"], microdollars=row["microdollars"]),
            )
            for row in rows
        ]

    async def _take(self, connection: Connection, hold: Hold, who: str) -> None:
        tokens, cost = self._limits(who)
        await connection.execute(KNOWN, self.tenant, hold.day, who)
        taken = await connection.fetchval(
            TAKE,
            self.tenant,
            hold.day,
            who,
            hold.spent.tokens,
            hold.spent.microdollars,
            tokens,
            cost,
        )
        if taken is None:
            raise Over(f"{_whose(who)} budget for the language model is used up until 00:00 UTC.")

    def _limits(self, who: str) -> tuple[int, int]:
        if who == ALL:
            return self.allowance.tokens_per_day, self.allowance.microdollars_per_day
        return self.allowance.tokens_per_person, self.allowance.microdollars_per_person


def _whose(who: str) -> str:
    return "Today's" if who == ALL else "Your"
