"""High risk asks approvers to sign in again; every wrong turn is a page that changes nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from yarl import URL

from engine.domain.approval import Signed
from engine.domain.digest import digest
from engine.domain.identity import RevocationKind
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.domain.quorum import quorum
from engine.errors import NotAllowed, SignInNeeded, TooMany
from engine.policy.rego import RegoPolicy
from engine.services.sign_ins import LINKS
from tests.conftest import Database
from tests.contract.identity_bench import Bench, open_bench
from tests.integration.room import write
from tests.unit.governing import ANN, BO, DANA, POLICIES


@pytest.fixture
async def bench(database: Database, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(database, tmp_path) as opened:
        yield opened


async def invited(bench: Bench, version: PlanVersion) -> str:
    """Ann presses Approve; the link that she alone gets."""
    with pytest.raises(SignInNeeded) as needed:
        await bench.press(ANN, version)
    return needed.value.url


async def state(bench: Bench, version: PlanVersion) -> VersionState:
    return await bench.room.state(VersionRef(plan_id=version.plan_id, version=version.version))


async def test_an_approver_signs_in_again_and_the_approval_says_so(bench: Bench) -> None:
    version = await bench.room.planned(write())
    link = await invited(bench, version)
    before = await state(bench, version)

    shown = await bench.page(link)
    answer = await bench.sign_in(link, "ann")

    assert before is VersionState.WAITING
    assert version.title in shown.text
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    assert answer.status == 200, answer.text
    assert "your approval counts" in answer.text
    assert await state(bench, version) is VersionState.APPROVED
    (signed,) = await decisions(bench, version)
    assert (signed.statement.step_up, signed.statement.person) == (True, ANN.id)


async def test_who_could_not_approve_anyway_gets_no_link(bench: Bench) -> None:
    version = await bench.room.planned(write())

    with pytest.raises(NotAllowed, match="someone else") as refused:
        await bench.press(DANA, version)

    assert not isinstance(refused.value, SignInNeeded)
    assert await bench.room.pool.fetchval("SELECT count(*) FROM sign_ins") == 0


async def test_neither_link_nor_sign_in_can_be_made_from_the_row(bench: Bench) -> None:
    version = await bench.room.planned(write())
    link = await invited(bench, version)
    where = await bench.to_issuer(link)

    row = await bench.room.pool.fetchrow("SELECT * FROM sign_ins")

    assert row
    assert link.rpartition("/")[2] not in str(row)
    assert "state=" + str(row["state"]) not in where
    for name in ("prompt=login", "max_age=0", "code_challenge_method=S256", "nonce="):
        assert name in where


async def test_a_link_works_once(bench: Bench) -> None:
    version = await bench.room.planned(write())
    link = await invited(bench, version)
    back = await bench.choose(await bench.to_issuer(link), "ann")
    browser = dict(bench.cookies)
    first = await bench.page(back, cookies=dict(browser))

    again = await bench.page(back, cookies=dict(browser))
    shown = await bench.page(link)
    started = await bench.page(f"{link}/start")

    assert (first.status, again.status, shown.status, started.status) == (200, 409, 409, 409)
    assert "used already" in shown.text
    assert len(await decisions(bench, version)) == 1


async def test_somebody_else_signs_in(bench: Bench) -> None:
    version = await bench.room.planned(write())
    link = await invited(bench, version)

    answer = await bench.sign_in(link, "dana")
    then = await bench.sign_in(link, "ann")

    assert (answer.status, "somebody else" in answer.text) == (403, True)
    assert await bench.audited("plan.step_up") == ["deny"]
    assert then.status == 200


async def test_somebody_whom_the_directory_does_not_know_signs_in(bench: Bench) -> None:
    version = await bench.room.planned(write())

    answer = await bench.sign_in(await invited(bench, version), "eve")

    assert (answer.status, "nobody of the directory" in answer.text) == (403, True)
    assert await state(bench, version) is VersionState.WAITING


async def test_a_link_expires(bench: Bench) -> None:
    version = await bench.room.planned(write())
    link = await invited(bench, version)
    back = await bench.choose(await bench.to_issuer(link), "ann")
    bench.room.later(301)

    shown, answer = await bench.page(link), await bench.page(back)

    assert (shown.status, answer.status) == (409, 409)
    assert "expired" in answer.text
    assert await state(bench, version) is VersionState.WAITING


async def test_a_sign_in_of_another_browser_does_not_count(bench: Bench) -> None:
    version = await bench.room.planned(write())
    link = await invited(bench, version)
    back = await bench.choose(await bench.to_issuer(link), "ann")
    mine = dict(bench.cookies)

    without = await bench.page(back, cookies={})
    other: dict[str, str] = {}
    await bench.to_issuer(link, cookies=other)  # the attacker's browser begins it as well
    mixed = await bench.page(back, cookies=dict(other))
    late = await bench.page(back, cookies=mine)

    assert [one.status for one in (without, mixed, late)] == [401, 401, 404]
    assert await state(bench, version) is VersionState.WAITING


async def test_a_forged_answer_of_the_issuer_does_not_count(bench: Bench) -> None:
    version = await bench.room.planned(write())
    back = await bench.choose(await bench.to_issuer(await invited(bench, version)), "ann")

    state_of_others = await bench.page(back.replace("state=", "state=x"))
    made_up = await bench.page(back.replace("code=", "code=x"))

    assert (state_of_others.status, made_up.status) == (401, 503)
    assert await state(bench, version) is VersionState.WAITING


async def test_a_sign_in_from_before_the_press_does_not_count(bench: Bench) -> None:
    version = await bench.room.planned(write())
    where = await bench.to_issuer(await invited(bench, version))
    bench.issuer.clock = lambda: bench.room.now.timestamp() - 60
    back = await bench.choose(where, "ann")
    bench.issuer.clock = lambda: bench.room.now.timestamp()
    for code, one in bench.issuer.codes.items():
        bench.issuer.codes[code] = replace(one, good_until=one.good_until + 120)

    answer = await bench.page(back)

    assert (answer.status, "did not ask you to sign in again" in answer.text) == (401, True)
    assert await state(bench, version) is VersionState.WAITING


async def test_the_person_says_no_at_the_issuer(bench: Bench) -> None:
    version = await bench.room.planned(write())
    where = await bench.to_issuer(await invited(bench, version))
    given = URL(where).query
    back = URL(given["redirect_uri"]).update_query(error="access_denied", state=given["state"])

    answer = await bench.page(str(back))

    assert (answer.status, "not signed in" in answer.text) == (403, True)
    assert await state(bench, version) is VersionState.WAITING


async def test_a_version_that_was_replaced_meanwhile_is_not_approved(bench: Bench) -> None:
    version = await bench.room.planned(write())
    back = await bench.choose(await bench.to_issuer(await invited(bench, version)), "ann")
    await bench.room.pool.execute("UPDATE plans SET current = 2")
    newer = version.model_copy(update={"version": 2})
    async with bench.room.store.begin() as unit:
        await unit.plans.add_version(
            newer.model_copy(update={"digest": digest(newer)}), VersionState.WAITING
        )

    answer = await bench.page(back)

    assert (answer.status, "replaced by v2" in answer.text) == (409, True)
    assert await decisions(bench, version) == []


async def test_a_plan_that_is_not_what_it_was_is_not_approved(
    bench: Bench, database: Database
) -> None:
    version = await bench.room.planned(write())
    back = await bench.choose(await bench.to_issuer(await invited(bench, version)), "ann")
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("ALTER TABLE plan_versions DISABLE TRIGGER USER")
    await owner.execute(
        "UPDATE plan_versions SET body = replace(body, 'settings.yaml', 'other.yaml')"
    )
    await owner.close()

    answer = await bench.page(back)

    assert answer.status == 409
    assert await decisions(bench, version) == []


async def test_an_issuer_that_is_down_is_said_and_the_link_still_works(bench: Bench) -> None:
    version = await bench.room.planned(write())
    link = await invited(bench, version)
    document, bench.issuer.url = bench.issuer.discovery(), "http://elsewhere.example"

    down = await bench.page(f"{link}/start")
    bench.issuer.url = str(document["issuer"])
    bench.provider.published._not_before = 0.0
    answer = await bench.sign_in(link, "ann")

    assert (down.status, answer.status) == (503, 200)


async def test_a_person_whose_tokens_were_revoked_can_sign_in_anew_or_not(bench: Bench) -> None:
    version = await bench.room.planned(write())
    first, second = await invited(bench, version), await invited(bench, version)
    await bench.identities.revoke(BO, RevocationKind.SUBJECT, "U0ANN")

    answer = await bench.sign_in(first, "ann")

    assert (answer.status, "revoked" in answer.text) == (401, True)
    assert (await bench.page(second)).status == 200
    assert await state(bench, version) is VersionState.WAITING


async def test_links_that_nobody_made_lead_nowhere(bench: Bench) -> None:
    made_up = ("x", "x" * 30, "x" * 5000, "..%2f..%2fplans", "%00" * 20)

    answers = [await bench.page(f"{bench.url}/v1/sign-in/{one}") for one in made_up]

    assert {one.status for one in answers} == {404}


async def test_an_approval_without_a_second_sign_in_never_counts(bench: Bench) -> None:
    """Even one that is signed: written by a gate that did not know the rule."""
    version = await bench.room.planned(write())
    bench.room.policy.rego = RegoPolicy([POLICIES])
    plain = await bench.room.planned(write())
    await bench.room.approve(plain)
    async with bench.room.store.begin() as unit:
        (signed,) = await unit.approvals.of(plain.plan_id, plain.version)

    counted = quorum(
        version,
        [
            signed.model_copy(
                update={
                    "statement": signed.statement.model_copy(
                        update={
                            "plan_id": version.plan_id,
                            "version": version.version,
                            "digest": version.digest,
                        }
                    )
                }
            )
        ],
    )

    assert (counted.have, counted.complete) == (0, False)


async def decisions(bench: Bench, version: PlanVersion) -> list[Signed]:
    async with bench.room.store.begin() as unit:
        return await unit.approvals.of(version.plan_id, version.version)


async def test_nobody_is_given_links_without_an_end(bench: Bench) -> None:
    version = await bench.room.planned(write())
    for _ in range(LINKS):
        await invited(bench, version)

    with pytest.raises(TooMany, match="many links"):
        await bench.press(ANN, version)
    other = bench.press(BO, version)

    with pytest.raises(SignInNeeded):
        await other
    assert await bench.room.pool.fetchval("SELECT count(*) FROM sign_ins") == LINKS + 1
