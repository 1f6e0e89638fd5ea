"""Roles are bound to directory groups by the settings; a chat's user groups never count."""

import gzip
import io
import json
import tarfile
from typing import Any

import pytest

from engine.domain.execution import Choice
from engine.domain.policy import Answer, Deed
from engine.errors import ConfigurationError
from engine.policy.bundle import packed
from engine.policy.rego import RegoPolicy
from engine.settings import Settings
from tests.contract.test_policy import decide, freeze, operate
from tests.unit.governing import ANN, CY, POLICIES, version

BOUND = {"security": ("operators", "approvers"), "platform": ("operators",)}
UNNAMED = version(requirements=version().requirements.model_copy(update={"groups": ()}))


async def test_a_bound_role_has_these_groups_and_no_others() -> None:
    policy = RegoPolicy([POLICIES], BOUND)

    assert (await policy.ask(freeze(CY))).decision is Answer.ALLOW
    assert (await policy.ask(operate(CY, Choice.PAUSE))).decision is Answer.ALLOW
    assert (await policy.ask(decide(CY, made=UNNAMED))).decision is Answer.ALLOW
    refused = await policy.ask(freeze(ANN))
    assert refused.decision is Answer.DENY
    assert refused.reasons[0].startswith("Only *platform* or *security* can freeze")


async def test_a_group_of_the_same_name_in_chat_gives_no_role() -> None:
    policy = RegoPolicy([POLICIES], BOUND)
    member = ANN.model_copy(update={"groups": ("slack:T0LOCAL:S0PLATFORM",)})

    assert (await policy.ask(freeze(member))).decision is Answer.DENY


@pytest.mark.parametrize("role", ["services", "workers", "gates"])
def test_no_group_is_one_of_our_services(role: str) -> None:
    with pytest.raises(ConfigurationError, match="are our own services"):
        RegoPolicy([POLICIES], {"sre": (role,)})


def test_a_server_gets_them_in_its_bundle() -> None:
    body = gzip.decompress(packed([POLICIES], BOUND))
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        file = archive.extractfile("/data.json")
        assert file is not None
        data: dict[str, Any] = json.load(file)

    assert data["roles"]["operators"] == ["platform", "security"]
    assert data["roles"]["workers"] == ["service:worker"]


async def test_they_come_from_the_settings() -> None:
    settings = Settings.load(over={"CARAPULSE_POLICY__ROLES": json.dumps({"sre": ["operators"]})})

    policy = RegoPolicy([POLICIES], settings.policy.roles)

    assert (await policy.ask(freeze(ANN, Deed.FREEZE_LIFT))).decision is Answer.ALLOW
