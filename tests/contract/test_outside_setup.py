"""Linear and PagerDuty as settings ask for them: what is served, what the doctor finds."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cli import doctor_outside
from bot.surfaces import Surfaces, open_surfaces
from engine.errors import ConfigurationError
from engine.secrets.keys import make_keys
from engine.settings import Settings
from engine.wiring import open_engine
from tests.conftest import Database
from tests.contract.played_linear import KEY, US, PlayedLinear, open_linear
from tests.contract.played_pagerduty import ROUTING_KEY, PlayedPagerDuty, open_pagerduty

PEOPLE = f"people: [{{id: ann, name: Ann, linear: [{US}]}}]"


@pytest.fixture
async def linear() -> AsyncIterator[PlayedLinear]:
    async with open_linear() as played:
        yield played


@pytest.fixture
async def pagerduty() -> AsyncIterator[PlayedPagerDuty]:
    async with open_pagerduty() as played:
        yield played


def settings(linear: PlayedLinear, pagerduty: PlayedPagerDuty, **more: str) -> Settings:
    return Settings.load(
        {
            "CARAPULSE_LINEAR__API_KEY": KEY,
            "CARAPULSE_LINEAR__URL": linear.url,
            "CARAPULSE_LINEAR__TEAM": "OPS",
            "CARAPULSE_PAGERDUTY__ROUTING_KEY": ROUTING_KEY,
            "CARAPULSE_PAGERDUTY__URL": pagerduty.url,
            "CARAPULSE_PAGERDUTY__WEBHOOK_SECRETS": '["old", "new"]',
            **more,
        }
    )


async def test_what_is_configured_is_served_and_what_is_not_is_not_there(
    database: Database, tmp_path: Path, linear: PlayedLinear, pagerduty: PlayedPagerDuty
) -> None:
    keys = make_keys(tmp_path / "keys")
    usual = {
        "CARAPULSE_POSTGRES__DSN": database.app_dsn,
        "CARAPULSE_KEYS__SIGNING_KEY_FILE": str(keys.private),
        "CARAPULSE_KEYS__PUBLIC_KEYS_FOLDER": str(keys.public),
    }
    both, neither = settings(linear, pagerduty, **usual), Settings.load(usual)

    async with (
        open_engine(both, gate=True) as engine,
        open_surfaces(engine, both, "bot-1") as opened,
        open_surfaces(engine, neither, "bot-1") as empty,
    ):
        assert opened.issues is not None
        assert opened.paging is not None
        await opened.issues.once()
        await opened.paging.once()
        for check in opened.checks.values():
            await check()
        assert paths(opened) == ["/v1/hooks/linear", "/v1/hooks/pagerduty"]
        assert sorted(opened.checks) == ["linear", "pagerduty"]
        assert (paths(empty), empty.checks, empty.issues) == ([], {}, None)
        teamless = open_surfaces(
            engine, settings(linear, pagerduty, CARAPULSE_LINEAR__TEAM=""), "bot-1"
        )
        with pytest.raises(ConfigurationError, match="CARAPULSE_LINEAR__TEAM"):
            await teamless.__aenter__()


def paths(surfaces: Surfaces) -> list[str]:
    return [path for _, path, _ in surfaces.routes(None)]  # type: ignore[arg-type]  # nothing arrives


async def test_the_doctor_finds_both_well(linear: PlayedLinear, pagerduty: PlayedPagerDuty) -> None:
    given = settings(linear, pagerduty)

    found = [*await doctor_outside.linear(given), *await doctor_outside.pagerduty(given)]

    assert [each.level for each in found] == ["ok", "ok"]


async def test_the_doctor_says_what_to_mend(
    linear: PlayedLinear, pagerduty: PlayedPagerDuty, tmp_path: Path
) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE)
    given = settings(
        linear,
        pagerduty,
        CARAPULSE_DIRECTORY__FILE=str(tmp_path / "people.yaml"),
        CARAPULSE_LINEAR__POLL_SECONDS="0",
        CARAPULSE_PAGERDUTY__ROUTING_KEY="wrong",
    )
    stateless = settings(linear, pagerduty, CARAPULSE_LINEAR__STATES__APPROVE="Shipped")

    found = [*await doctor_outside.linear(given), *await doctor_outside.pagerduty(given)]
    lacking = await doctor_outside.linear(stateless)

    assert [each.level for each in found] == ["ok", "warn", "fail", "fail"]
    assert "a person of the directory" in found[1].found
    assert "no state Shipped" in lacking[0].found


async def test_the_doctor_is_silent_about_what_is_not_configured() -> None:
    given = Settings.load({})

    assert await doctor_outside.linear(given) == []
    assert await doctor_outside.pagerduty(given) == []
