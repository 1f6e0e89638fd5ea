"""People decide over the API with their own token; programs only look."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.domain.digest import digest
from engine.domain.identity import RevocationKind
from engine.domain.plan import PlanVersion, VersionState
from engine.errors import SignInNeeded
from engine.policy.rego import RegoPolicy
from tests.conftest import Database
from tests.contract.identity_bench import Bench, open_bench
from tests.integration.room import write
from tests.unit.governing import ANN, BO, CY, POLICIES


@pytest.fixture
async def bench(database: Database, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(database, tmp_path) as opened:
        opened.room.policy.rego = RegoPolicy([POLICIES])
        yield opened


async def test_a_person_approves_and_the_answer_says_where_it_stands(bench: Bench) -> None:
    version = await bench.room.planned(write())

    waiting = await bench.ask("GET", "/v1/approvals", bench.token("dana"))
    answer = await bench.decide("ann", version, version=1, reason="looks right")
    again = await bench.decide("ann", version)
    after = await bench.ask("GET", "/v1/approvals", bench.program)

    (item,) = waiting.body["items"]
    assert (item["plan_id"], item["have"], item["need"]) == (version.plan_id, 0, 1)
    assert answer.status == 200, answer.text
    assert answer.body["state"] == "approved"
    assert (answer.body["status"], answer.body["complete"]) == ("approved", True)
    assert "{@" not in answer.text + again.text
    assert again.status == 200
    assert after.body["items"] == []
    async with bench.room.store.begin() as unit:
        (signed,) = await unit.approvals.of(version.plan_id, 1)
    said = signed.statement
    assert (said.person, said.surface, said.reason) == (ANN.id, "api", "looks right")


async def test_a_person_rejects(bench: Bench) -> None:
    version = await bench.room.planned(write())

    answer = await bench.decide("ann", version, status="rejected", reason="not today")

    assert (answer.status, answer.body["state"]) == (200, "rejected")


async def test_a_service_token_never_decides(bench: Bench) -> None:
    version = await bench.room.planned(write())
    said = {"plan_id": version.plan_id, "status": "approved"}

    answer = await bench.ask("POST", "/v1/approvals", bench.program, said)

    assert (answer.status, "Only people" in answer.body["detail"]) == (403, True)
    assert answer.headers["Content-Type"].startswith("application/problem+json")


async def test_the_gate_is_the_same_for_everybody(bench: Bench) -> None:
    version = await bench.room.planned(write())

    own = await bench.decide("dana", version)
    nobody = await bench.decide("eve", version)

    assert (own.status, "someone else" in own.body["detail"]) == (403, True)
    assert (nobody.status, "carapulse link" in nobody.body["detail"]) == (403, True)
    assert "{@" not in own.text


async def test_without_a_version_several_are_a_conflict(bench: Bench) -> None:
    version = await bench.room.planned(write())
    await second(bench, version)

    unclear = await bench.decide("ann", version)
    old = await bench.decide("ann", version, version=1)
    later = await bench.decide("ann", version, version=7)
    clear = await bench.decide("ann", version, version=2)

    assert (unclear.status, "`version`" in unclear.body["detail"]) == (409, True)
    assert (old.status, "replaced by v2" in old.body["detail"]) == (409, True)
    assert later.status == 404
    assert clear.status == 200


WRONG: tuple[tuple[dict[str, object], str], ...] = (
    ({}, "plan_id"),
    ({"plan_id": "P-1"}, "status"),
    ({"plan_id": "P-1", "status": "maybe"}, "status"),
    ({"plan_id": "P 1", "status": "approved"}, "plan_id"),
    ({"plan_id": "P-1", "status": "approved", "version": "x"}, "version"),
    ({"plan_id": "P-1", "status": "approved", "version": 0}, "version"),
    ({"plan_id": "P-1", "status": "approved", "as": "bo"}, "as"),
    ({"plan_id": "P-1", "status": "approved", "reason": "x" * 501}, "reason"),
)


async def test_a_wrong_body_is_named_by_field(bench: Bench) -> None:
    token = bench.token("ann")

    answers = [await bench.ask("POST", "/v1/approvals", token, body) for body, _ in WRONG]

    assert {one.status for one in answers} == {400}
    named = [[error["path"] for error in one.body["errors"]] for one in answers]
    assert [field in paths for (_, field), paths in zip(WRONG, named, strict=True)] == [True] * 8


async def test_a_plan_that_is_not_there_is_404(bench: Bench) -> None:
    said = {"plan_id": "P-9999", "status": "approved"}

    answer = await bench.ask("POST", "/v1/approvals", bench.token("ann"), said)

    assert answer.status == 404


async def test_the_policy_is_down_and_nothing_is_recorded(bench: Bench) -> None:
    version = await bench.room.planned(write())
    bench.room.policy.away = True

    answer = await bench.decide("ann", version)

    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    async with bench.room.store.begin() as unit:
        assert await unit.approvals.of(version.plan_id, 1) == []


async def test_groups_of_a_token_count_where_the_settings_map_them(bench: Bench) -> None:
    """Cy is in no group that may approve; the provider says idp-sre, which stands for sre."""
    version = await bench.room.planned(write())
    await bench.room.pool.execute(
        "INSERT INTO identity_links (tenant, issuer, subject, person, at) "
        "VALUES ('default', $1, 'U0CY', 'cy', now())",
        bench.issuer.url,
    )

    without = await bench.ask(
        "POST",
        "/v1/approvals",
        bench.token("cy", groups=["sre", "else"]),
        {"plan_id": version.reference, "status": "approved"},
    )
    mapped = await bench.decide("cy", version)

    assert (without.status, mapped.status) == (403, 200)
    async with bench.room.store.begin() as unit:
        (signed,) = await unit.approvals.of(version.plan_id, 1)
    assert (signed.statement.person, signed.statement.groups) == (CY.id, ("sre",))


async def test_an_emergency_needs_its_second_sign_in_over_the_api_too(
    bench: Bench, tmp_path: Path
) -> None:
    bench.room.policy.rego = RegoPolicy([POLICIES, tmp_path / "more"])
    version = await bench.room.planned(write())

    refused = await bench.decide("ann", version, reason="by hand")
    answer = await bench.sign_in(refused.body["sign_in_url"], "ann")

    assert (refused.status, refused.body["title"]) == (403, "Forbidden")
    assert answer.status == 200
    async with bench.room.store.begin() as unit:
        (signed,) = await unit.approvals.of(version.plan_id, 1)
    said = signed.statement
    assert (said.surface, said.reason, said.step_up) == ("api", "by hand", True)


async def test_what_people_may_ask_depends_on_their_groups(bench: Bench) -> None:
    reads = await bench.ask("GET", "/v1/plans", bench.token("dana"))
    revokes = await bench.ask("GET", "/v1/revocations", bench.token("dana"))

    assert (reads.status, revokes.status) == (200, 403)
    assert "token.revoke" in revokes.body["detail"]


async def test_a_revoked_token_is_over_at_once(bench: Bench) -> None:
    kept, gone = bench.token("ann"), bench.token("ann", jti="gone")
    before = await bench.ask("GET", "/v1/plans", gone)

    made = await bench.ask("POST", "/v1/revocations", bench.program, {"jti": "gone"})
    after = await bench.ask("GET", "/v1/plans", gone)
    other = await bench.ask("GET", "/v1/plans", kept)
    listed = await bench.ask("GET", "/v1/revocations", bench.program)

    assert [before.status, made.status, after.status, other.status] == [200, 201, 401, 200]
    assert "revoked" in after.body["detail"]
    assert [one["jti"] for one in listed.body["items"]] == ["gone"]
    assert await bench.audited("token.revoke") == ["allow"]


async def test_a_subject_signs_out_everywhere_and_comes_back(bench: Bench) -> None:
    old, now = bench.token("ann"), bench.room.now
    body = {"subject": "U0ANN", "issued_before": now.isoformat()}
    await bench.ask("POST", "/v1/revocations", bench.program, body)
    bench.room.later(2)

    over = await bench.ask("GET", "/v1/plans", old)
    newer = await bench.ask("GET", "/v1/plans", bench.token("ann"))
    someone = await bench.ask("GET", "/v1/plans", bench.token("dana"))
    await bench.identities.revoke(BO, RevocationKind.SUBJECT, "U0ANN")
    ever = await bench.ask("GET", "/v1/plans", bench.token("ann"))

    assert [one.status for one in (over, newer, someone, ever)] == [401, 200, 200, 401]


async def test_a_revocation_that_says_nothing_clear_is_400(bench: Bench) -> None:
    unclear: tuple[dict[str, str], ...] = (
        {},
        {"jti": "x", "subject": "y"},
        {"jti": ""},
        {"jti": "a\x00"},
    )

    answers = [await bench.ask("POST", "/v1/revocations", bench.program, one) for one in unclear]

    assert {one.status for one in answers} == {400}


async def test_a_person_links_an_account_once(bench: Bench) -> None:
    before = await bench.ask("GET", "/v1/plans", bench.token("bo"))
    with pytest.raises(SignInNeeded) as invited:
        await bench.step_ups.link(BO)

    page = await bench.page(invited.value.url)
    answer = await bench.sign_in(invited.value.url, "bo")
    after = await bench.ask("GET", "/v1/plans", bench.token("bo"))

    assert (before.status, after.status) == (403, 200)
    assert "is Bo from then on" in page.text
    assert (answer.status, "is linked" in answer.text) == (200, True)
    assert await bench.audited("identity.link") == ["allow"]


async def test_an_account_with_another_address_is_not_linked(bench: Bench) -> None:
    """Who has stolen a chat account must not become that person at the provider too."""
    with pytest.raises(SignInNeeded) as invited:
        await bench.step_ups.link(BO)
    with pytest.raises(SignInNeeded) as unknown:
        await bench.step_ups.link(CY)

    other = await bench.sign_in(invited.value.url, "eve")
    nameless = await bench.sign_in(unknown.value.url, "cy")

    assert (other.status, nameless.status) == (403, 403)
    assert await bench.room.pool.fetchval("SELECT count(*) FROM identity_links") == 0


async def test_an_account_belongs_to_one_person_and_a_person_has_one(bench: Bench) -> None:
    with pytest.raises(SignInNeeded) as invited:
        await bench.step_ups.link(BO)
    await bench.sign_in(invited.value.url, "bo")
    with pytest.raises(SignInNeeded) as again:
        await bench.step_ups.link(BO)

    answer = await bench.sign_in(again.value.url, "bo")

    assert (answer.status, "has a link already" in answer.text) == (409, True)
    assert await bench.identities.unbind(ANN, BO.id)
    assert (await bench.ask("GET", "/v1/plans", bench.token("bo"))).status == 403


async def second(bench: Bench, version: PlanVersion) -> None:
    """The same plan as v2."""
    newer = version.model_copy(update={"version": 2})
    async with bench.room.store.begin() as unit:
        await unit.plans.add_version(
            newer.model_copy(update={"digest": digest(newer)}), VersionState.WAITING
        )


async def test_who_signs_out_at_the_provider_is_out_here(bench: Bench) -> None:
    token, told = bench.token("ann"), bench.issuer.logout_token("U0ANN")
    before = await bench.ask("GET", "/v1/plans", token)

    async with bench.session.post(
        f"{bench.url}/v1/oidc/logout", data={"logout_token": told}
    ) as answer:
        heard = answer.status
    after = await bench.ask("GET", "/v1/plans", token)

    assert (before.status, heard, after.status) == (200, 200, 401)


async def test_nobody_else_signs_people_out(bench: Bench) -> None:
    token = bench.token("ann")
    forged = ("x", token, bench.issuer.logout_token("U0ANN", nonce="n"), "", None)
    statuses = set()
    for one in forged:
        form = {} if one is None else {"logout_token": one}
        async with bench.session.post(f"{bench.url}/v1/oidc/logout", data=form) as answer:
            statuses.add(answer.status)

    after = await bench.ask("GET", "/v1/plans", token)

    assert (statuses, after.status) == ({400}, 200)
