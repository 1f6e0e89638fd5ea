"""The definition of psql against a real Postgres: it reads, and can't do anything else."""

from urllib.parse import urlsplit

import aiohttp
import pytest

from engine.domain.call import Ending
from engine.errors import Invalid
from engine.tools.api import Endpoint
from engine.tools.sandbox import installed
from tests.conftest import Database
from tests.contract.definitions.bench import Definitions

pytestmark = pytest.mark.skipif(not installed("psql"), reason="needs psql")


def endpoint(database: Database) -> Endpoint:
    """The owner, so that nothing but the definition keeps it from writing."""
    parts = urlsplit(database.owner_dsn)
    bare = parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", "@"))
    return Endpoint(bare.geturl(), parts.password or "")


async def test_one_select_is_answered_and_nothing_is_written(database: Database) -> None:
    async with aiohttp.ClientSession() as session:
        psql = Definitions({"psql": endpoint(database)}, session)

        answer = await psql.read("psql.query", statement="SELECT 40 + 2 AS answer")
        size = await psql.read("psql.size")
        activity = await psql.read("psql.activity")
        writes = [
            await psql.read("psql.query", statement=statement)
            for statement in (
                "WITH gone AS (DELETE FROM plans RETURNING 1) SELECT count(*) FROM gone",
                "EXPLAIN ANALYZE DELETE FROM plans",
                "SELECT no_such_column",
            )
        ]

    assert (answer.outputs["value"], int(size.outputs["bytes"]) > 0) == ("42", True)
    assert activity.ending is Ending.SUCCEEDED
    assert [one.ending for one in writes] == [Ending.FAILED] * 3
    assert "only reads are possible" in writes[0].message


@pytest.mark.parametrize(
    "statement",
    [
        "\\! id",
        "SELECT 1; DROP TABLE plans",
        "SELECT 1 \\gexec",
        "DELETE FROM plans",
        "SET transaction_read_only = off",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_terminate_backend(1)",
        "SELECT pg_sleep(3600)",
        "COPY plans TO PROGRAM 'id'",
        "SELECT * INTO copied FROM plans",
        "-- SELECT 1",
    ],
)
async def test_what_is_no_plain_select_is_refused_before_it_runs(
    database: Database, statement: str
) -> None:
    async with aiohttp.ClientSession() as session:
        psql = Definitions({"psql": endpoint(database)}, session)

        with pytest.raises(Invalid):
            await psql.read("psql.query", statement=statement)
