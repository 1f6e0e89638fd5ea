"""Tools over the API and the command line: reads run, writes become a step of a plan."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cli.tool_runs import open_runs
from bot.http.tools import ToolRoutes
from engine.domain.execution import LogLine
from engine.domain.plan import VersionState
from engine.secrets.tokens import make_token, token_hash
from engine.settings import Settings
from tests.conftest import Database
from tests.contract.problems_bench import Bench, Caller, calling, open_bench
from tests.unit import governing

TOOL = """
tool: teller
title: Teller
transport: cli
actions:
  say:
    title: "Say {word}"
    done: "{said}"
    effect: read
    input: {word: {type: word}}
    commands: [{argv: [printf, "%s", "{word}"]}]
    outputs: {said: {}}
  shout:
    title: "Shout {word}"
    effect: write
    input: {word: {type: word}}
    commands: [{argv: [echo, --, "{word}"]}]
"""


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    async with open_bench(database.app_dsn) as opened:
        yield opened


@pytest.fixture
async def caller(bench: Bench, tmp_path: Path) -> AsyncIterator[Caller]:
    (tmp_path / "teller.yaml").write_text(TOOL, encoding="utf-8")
    settings = Settings.load(
        over={
            "CARAPULSE_TOOLS__FOLDER": str(tmp_path),
            "CARAPULSE_SANDBOX__RUNTIME": "process",
        }
    )
    async with open_runs(settings) as runs:
        sidecar = bench.sidecar(more=ToolRoutes(bench.store, runs).routes())
        async with calling(sidecar) as opened:
            yield opened


async def holding(bench: Bench, *scopes: str) -> dict[str, str]:
    token = make_token()
    async with bench.store.begin() as unit:
        await unit.tokens.add("-".join(scopes), token_hash(token), scopes)
    return {"Authorization": f"Bearer {token}"}


async def test_a_read_runs_and_a_write_answers_with_its_step(bench: Bench, caller: Caller) -> None:
    headers = await holding(bench, "tool.run")
    body = {"input": {"word": "hello"}, "context": {"environment": "prod"}}

    read = await caller.ask("POST", "/v1/tools/teller/say:run", json=body, headers=headers)
    write = await caller.ask("POST", "/v1/tools/teller/shout:run", json=body, headers=headers)

    assert read[0] == 200
    assert (read[1]["kind"], read[1]["outputs"]) == ("read", {"said": "hello"})
    assert (write[0], write[1]["kind"], len(write[1]["steps"])) == (200, "plan", 1)
    assert write[1]["steps"][0]["call"]["commands"] == [["echo", "--", "hello"]]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/tools/teller/say:run", {"input": {"word": "--help"}}, 422),
        ("/v1/tools/teller/say:run", {"input": {"word": ["a"]}}, 422),
        ("/v1/tools/teller/say:run", {"inputs": {}}, 422),
        ("/v1/tools/teller/sing:run", {"input": {}}, 422),
        ("/v1/tools/none/say:run", {"input": {}}, 422),
    ],
)
async def test_what_no_definition_takes_is_refused(
    bench: Bench, caller: Caller, path: str, body: object, status: int
) -> None:
    headers = await holding(bench, "tool.run")

    answered, said = await caller.ask("POST", path, json=body, headers=headers)

    assert answered in {400, status}, said


async def test_each_route_wants_its_scope_and_the_list_names_every_action(
    bench: Bench, caller: Caller
) -> None:
    nothing = await holding(bench, "plan.read")
    reading = await holding(bench, "tool.read")

    refused, _ = await caller.ask("GET", "/v1/tools", headers=nothing)
    refused_run, _ = await caller.ask("POST", "/v1/tools/teller/say:run", json={}, headers=reading)
    listed, said = await caller.ask("GET", "/v1/tools", headers=reading)

    assert (refused, refused_run, listed) == (403, 403, 200)
    names = {one["name"] for one in said["items"]}
    assert {"teller.say", "teller.shout", "git.log"} <= names
    assert "kubectl.get" not in names, "what is not connected is not offered"


async def test_the_log_of_one_call_holds_its_lines_alone(bench: Bench, caller: Caller) -> None:
    version = governing.version()
    headers = await holding(bench, "execution.read")
    async with bench.store.begin() as unit:
        await unit.plans.add_version(version, VersionState.WAITING)
        execution = await unit.executions.create(version, bench.time())
        lines = [
            LogLine(execution_id=execution.id, step=1 + at % 2, at=bench.time(), text=f"line {at}")
            for at in range(6)
        ]
        await unit.executions.add_lines(lines)

    first, page = await caller.ask(
        "GET", f"/v1/tool-calls/{execution.reference}.2/logs?limit=2", headers=headers
    )
    _, rest = await caller.ask(
        "GET",
        f"/v1/tool-calls/{execution.reference}.2/logs?after={page['next']}",
        headers=headers,
    )

    assert first == 200
    texts = [line["text"] for line in page["items"] + rest["items"]]
    assert (texts, rest["next"]) == (["line 1", "line 3", "line 5"], None)
