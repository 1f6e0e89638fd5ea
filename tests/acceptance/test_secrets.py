"""Credentials minted for one call: a tool that shouts them out, and nobody who has heard it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import pytest_asyncio

from engine.tools.process import CALL_MARK
from tests.acceptance.rig import Additions, Rig, open_rig, practice
from tests.acceptance.thread import ask, press
from tests.acceptance.waiting import until
from tests.contract.played_vault import ROLE_ID, PlayedVault, played_vault

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.long]
KV, PIN = "secret/data/shouter", "pin-of-the-shouter-0042"
DATABASE = "database/creds/reader"
TOOL = """
tool: shouter
title: Shouter
transport: cli
environment: {SHOUTER_PIN: "{connection.token}"}
files: [shout.py]
actions:
  shout:
    title: "Shout"
    done: "{last}"
    effect: write
    timeout_seconds: 20
    commands:
      - {argv: [python3, -I, -S, shout.py]}
    outputs:
      last: {missing: "It told nothing."}
  choke:
    title: "Shout and fail"
    effect: write
    timeout_seconds: 20
    commands:
      - {argv: [python3, -I, -S, shout.py, fail]}
"""
# All that it was given, in the forms in which tools print such things, on both streams.
PROGRAM = """
import base64, json, os, sys, time, urllib.parse
given = [os.environ["SHOUTER_PIN"], os.environ["PGPASSWORD"], open("login.json").read()]
time.sleep(3)
for stream in (sys.stdout, sys.stderr):
    for one in given:
        forms = [one, base64.b64encode(one.encode()).decode(), urllib.parse.quote(one, safe="")]
        for text in [*forms, json.dumps({"said": one})]:
            print("shouted", text, file=stream)
print("at last", given[1])
if sys.argv[1:]:
    sys.exit("it broke with " + " ".join(given))
"""
PLAYBOOK = """
title: shout
phrases: [shout drill]
needs: [service.gitops.remote]
plan_title: Let the shouter shout for {service.name}
why: An exercise.
steps:
  - {tool: shouter, action: shout, input: {}, title: Shout}
  - {tool: shouter, action: choke, input: {}, title: Choke}
"""


@dataclass(frozen=True, slots=True)
class Shouting:
    """What runs, and the Vault that it has its secrets from."""

    rig: Rig
    vault: PlayedVault
    folder: Path


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shouting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shouting]:
    folder, ours = tmp_path_factory.mktemp("rig"), tmp_path_factory.mktemp("ours")
    async with played_vault() as vault:
        vault.kv[KV] = {"pin": PIN}
        async with open_rig(folder, additions(ours, vault)) as rig:
            yield Shouting(rig, vault, folder)


def additions(ours: Path, vault: PlayedVault) -> Additions:
    """A tool, its playbook, and a connection that Vault gives secrets to."""
    (ours / "tools" / "files").mkdir(parents=True)
    (ours / "playbooks").mkdir()
    (ours / "tools" / "shouter.yaml").write_text(TOOL)
    (ours / "tools" / "files" / "shout.py").write_text(PROGRAM)
    (ours / "playbooks" / "shout.yaml").write_text(PLAYBOOK)
    (ours / "secret-id").write_text("first-secret-id")
    login = '{"user": "{username}", "password": "{password|json}"}'
    minted = {
        "path": DATABASE,
        "variables": {"PGPASSWORD": "{password}"},
        "files": {"login.json": login},
    }
    secrets = [{"path": KV, "token": "{pin}"}, minted]
    connection = {"url": "http://shouter.example", "secrets": secrets}
    return Additions(
        tools=ours / "tools",
        playbooks=ours / "playbooks",
        services=practice,
        env={
            "CARAPULSE_VAULT__URL": vault.url,
            "CARAPULSE_VAULT__ROLE_ID": ROLE_ID,
            "CARAPULSE_VAULT__SECRET_ID_FILE": str(ours / "secret-id"),
            "CARAPULSE_TOOLS__CONNECTIONS__SHOUTER": json.dumps(connection),
        },
    )


def having(values: set[str]) -> dict[int, dict[str, str]]:
    """Environments of all processes of ours that have one of the values in them."""
    found = {}
    for one in psutil.Process().children(recursive=True):
        try:
            environment = one.environ()
        except psutil.Error:
            continue
        if any(value in text for value in values for text in environment.values()):
            found[one.pid] = environment
    return found


def passwords(vault: PlayedVault) -> set[str]:
    return {str(lease.data["password"]) for lease in vault.leases.values()}


async def test_what_a_call_was_given_is_found_nowhere_else_and_ends_with_it(
    shouting: Shouting,
) -> None:
    rig, vault = shouting.rig, shouting.vault
    await until(lambda: asyncio.sleep(0, bool(vault.tokens)), within=30, what="the worker's login")

    thread = await ask(rig.dana, "shout drill on practice in staging")
    card = await thread.card("Waiting for approval", within=60)
    before = vault.count(f"GET {DATABASE}")
    await press(rig.ann, card, "Approve")
    await until(lambda: asyncio.sleep(0, bool(vault.leases)), within=30, what="a lease")
    secrets = passwords(vault) | {PIN}
    await until(lambda: asyncio.sleep(0, bool(having(secrets))), within=20, what="the call to run")
    environments = having(secrets)
    recorded = await rig.owner.fetch("SELECT id, connection FROM minted")
    leases = set(vault.leases)
    await thread.card(":warning:", "Step 2", within=60)

    assert before == 0
    assert all(CALL_MARK in one for one in environments.values())
    assert {(one["id"], one["connection"]) for one in recorded} == {
        (lease, "shouter") for lease in leases
    }
    assert (len(vault.revoked), vault.leases) == (2, {})
    assert await rig.owner.fetch("SELECT id FROM minted") == []
    told = await thread.told()
    assert "shouted" in told
    await nowhere(shouting, vault.minted | {PIN}, told)


async def nowhere(shouting: Shouting, secrets: set[str], told: str) -> None:
    """Not in Slack, in no row, and in no file: logs, histories, the database's own, the feed's."""
    forms = {form for one in secrets for form in spelt(one)}
    rows = await everything(shouting.rig)
    files = [path for path in shouting.folder.rglob("*") if path.is_file()]
    found = [
        str(path.relative_to(shouting.folder))
        for path in files
        if any(form.encode() in read(path) for form in forms)
    ]

    assert len(secrets) == 3
    assert "shouted" in rows
    assert not [form for form in forms if form in told or form in rows]
    assert found == []
    assert any(b"shouted" in read(path) for path in files)


def spelt(value: str) -> set[str]:
    return {value, base64.b64encode(value.encode()).decode().rstrip("="), quote(value, safe="")}


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # a socket, or gone meanwhile


async def everything(rig: Rig) -> str:
    """Every row of every table as text."""
    tables = await rig.owner.fetch(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    pieces = []
    for (table,) in tables:
        rows = await rig.owner.fetch(f'SELECT row_to_json(t)::text FROM "{table}" t')  # noqa: S608
        pieces += [str(row[0]) for row in rows]
    return "\n".join(pieces)
