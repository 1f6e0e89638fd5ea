"""High risk is confirmed by signing in again: from Slack, and from the command line."""

import asyncio
import sys
from typing import Any

import aiohttp
import pytest

from bot.local.slack.person import Person
from tests.acceptance.rig import Rig, environment
from tests.acceptance.signing_in import access_token, confirms, leads, link_in, sign_in
from tests.acceptance.thread import INCIDENTS, ask, press, reference

pytestmark = pytest.mark.asyncio(loop_scope="session")
DRASTIC = "drastic drill on checkout"
WHY, TICKET = "checkout loses orders and the fix is known", "OPS-8"


async def test_two_people_sign_in_again_one_from_slack_and_one_from_the_command_line(
    rig: Rig,
) -> None:
    thread = await ask(rig.ann, DRASTIC)
    card = await thread.card("Waiting for approval", "High risk")

    await press(rig.dana, card, "Approve")
    await give_reasons(rig.dana)
    link = await link_in(thread, rig.dana)
    page = await sign_in(link, "ann")
    assert "somebody else" in page
    assert "0 of 2" in str(await thread.card("0 of 2"))
    await press(rig.dana, card, "Approve")
    await give_reasons(rig.dana)
    await confirms(thread, rig.dana, "dana", after=link)
    card = await thread.card("1 of 2 so far")

    bo = {"CARAPULSE_TOKEN": await access_token(rig, "bo")}
    _, listed, _ = await carapulse(rig, bo, "approval", "list")
    code, _, told = await carapulse(
        rig, bo, "approval", "approve", reference(card), "--reason", WHY, "--ticket", TICKET
    )
    assert f"{reference(card)} v1" in listed
    assert "1 of 2" in listed
    assert (code, "signed in again" in told) == (1, True)
    assert "your approval counts" in await sign_in(told.rsplit("Sign in: ", 1)[1].strip(), "bo")
    await thread.card("Done in", "Dana Reyes", "Bo Lindqvist", within=60)

    rows = await rig.owner.fetch(
        "SELECT a.body::json -> 'statement' ->> 'person' AS person, "
        "a.body::json -> 'statement' ->> 'step_up' AS step_up FROM approvals a "
        "JOIN plans p ON p.id = a.plan_id WHERE p.reference = $1",
        reference(card),
    )
    assert {(row["person"], row["step_up"]) for row in rows} == {("dana", "true"), ("bo", "true")}


async def test_an_account_is_linked_from_a_command_by_its_own_person_alone(rig: Rig) -> None:
    """Bo has a link in the directory's file, which is not overruled from Slack."""
    before = len(rig.bo.whispers())
    await rig.bo.slash("/carapulse", "link", INCIDENTS)
    told = await rig.bo.wait_for(
        lambda one: one in rig.bo.whispers()[before:] and bool(leads(one)),
        timeout=10,
        what="a link to link an account",
    )

    page = await sign_in(leads(told), "bo")

    assert "has a link already" in page
    assert await rig.owner.fetchval("SELECT count(*) FROM identity_links") == 0


async def give_reasons(person: Person) -> None:
    """The dialog of break-glass, filled in."""
    modal = await person.wait_for_view(what="the dialog of break-glass")
    values = {"reason": {"text": {"value": WHY}}, "ticket": {"text": {"value": TICKET}}}
    given = await person.submit(modal["id"], values)
    assert given["ok"], given


async def test_a_token_ends_when_the_command_line_says_so(rig: Rig) -> None:
    token = await access_token(rig, "cy")
    before, _ = await rig.api("/v1/plans", token)

    code, told, error = await carapulse(rig, {}, "token", "revoke", "--subject", "U0CY")
    after, refused = await rig.api("/v1/plans", token)
    _, listed, _ = await carapulse(rig, {}, "token", "list")

    assert (code, before, after) == (0, 200, 401), error
    assert "Refused from now on" in told
    assert "revoked" in refused["detail"]
    assert "U0CY" in listed


async def carapulse(rig: Rig, more: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Run the command as its user does; exit code, output, errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", *arguments),
        env=environment(rig, **more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()


async def test_what_a_person_asks_over_the_api_others_approve(rig: Rig) -> None:
    """Dana asks with her own token, may not approve it herself, and Bo does."""
    dana, bo = await access_token(rig, "dana"), await access_token(rig, "bo")
    words = "set pool_size to 30 for checkout in prod"
    about = {"environment": "prod", "cluster": "eu-1", "service": "checkout"}
    status, made = await post(rig, dana, "/plans", {"intent": words, "context": about})
    said = {"plan_id": made["reference"], "status": "approved"}

    own, refused = await post(rig, dana, "/approvals", said)
    program, _ = await post(rig, rig.token, "/approvals", said)
    waiting, listed = await rig.api("/v1/approvals", bo)
    rejected, told = await post(
        rig, bo, "/approvals", {**said, "status": "rejected", "reason": "not on a Friday"}
    )

    assert (status, made["plan"]["requester"]["id"]) == (201, "dana")
    assert (own, "someone else" in refused["detail"]) == (403, True)
    assert program == 403
    assert waiting == 200
    assert made["plan_id"] in {one["plan_id"] for one in listed["items"]}
    assert (rejected, told["state"]) == (200, "rejected")


async def post(rig: Rig, token: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """As whoever holds this token."""
    headers = {"Authorization": f"Bearer {token}", "Prefer": "wait=30"}
    async with aiohttp.ClientSession(headers=headers) as session:
        answer = await session.post(f"{rig.up.http_url}/v1{path}", json=body)
        return answer.status, await answer.json(content_type=None)
