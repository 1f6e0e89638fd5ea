"""Budgets of language models, kept in Postgres."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from engine.domain.spending import Allowance, Spent
from engine.store.connection import Pool, open_pool
from engine.store.spending import PostgresSpending
from tests.conftest import Database

NOW = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.app_dsn, size=8, statement_timeout=5, connect_timeout=5)
    yield pool
    await pool.close()


def purse(pool: Pool, *, now: datetime = NOW, **limits: int) -> PostgresSpending:
    return PostgresSpending(pool, "default", Allowance(**limits), lambda: now)


async def test_many_questions_at_once_do_not_pass_the_limit(pool: Pool) -> None:
    limited = purse(pool, tokens_per_day=1000)

    holds = await asyncio.gather(*(limited.reserve("ann", Spent(tokens=300)) for _ in range(10)))

    assert sorted(one.refusal for one in holds)[:3] == ["", "", ""]
    assert [one.refusal for one in holds].count("") == 3
    assert (await limited.today())[0].spent.tokens == 900


async def test_a_budget_survives_a_restart_and_ends_at_midnight(pool: Pool) -> None:
    await purse(pool, tokens_per_person=100).reserve("ann", Spent(tokens=100))

    again = await purse(pool, tokens_per_person=100).reserve("ann", Spent(tokens=1))
    other = await purse(pool, tokens_per_person=100).reserve("bo", Spent(tokens=1))
    tomorrow = purse(pool, now=NOW + timedelta(minutes=2), tokens_per_person=100)

    assert again.refusal == "Your budget for the language model is used up until 00:00 UTC."
    assert other.refusal == ""
    assert (await tomorrow.reserve("ann", Spent(tokens=100))).refusal == ""


async def test_what_one_person_may_not_is_not_taken_from_all(pool: Pool) -> None:
    limited = purse(pool, tokens_per_person=10)

    await limited.reserve("ann", Spent(tokens=11))

    assert [one.spent.tokens for one in await limited.today()] in ([], [0])


async def test_settling_corrects_the_day_on_which_it_was_asked(pool: Pool) -> None:
    before = purse(pool, microdollars_per_day=1000)
    hold = await before.reserve("ann", Spent(tokens=500, microdollars=900))

    await purse(pool, now=NOW + timedelta(minutes=2)).settle(
        hold, Spent(tokens=120, microdollars=70)
    )

    assert [
        (one.person, one.spent.tokens, one.spent.microdollars) for one in await before.today()
    ] == [
        ("", 120, 70),
        ("ann", 120, 70),
    ]
    assert (await before.reserve("bo", Spent(microdollars=931))).refusal.startswith("Today's")
