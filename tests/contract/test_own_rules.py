"""The example of the policies' README works beside our rules, as policy and as candidate."""

import re
from pathlib import Path

import pytest

from engine.domain.policy import Answer
from engine.policy.rego import RegoPolicy
from engine.policy.shadow import candidate
from tests.contract.test_policy import DEV, PROGRAM, create, decide
from tests.unit.governing import ANN, POLICIES, PROD, version

PAYMENTS = version(context=PROD.model_copy(update={"service": "payments"}))
SECURE = ANN.model_copy(update={"groups": ("sre", "security")})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (example,) = re.findall(r"```rego\n(.*?)```", (POLICIES / "README.md").read_text(), re.DOTALL)
    (tmp_path / "payments.rego").write_text(example)
    return tmp_path


async def test_own_rules_make_ours_stricter_without_an_edit(folder: Path) -> None:
    policy = RegoPolicy([POLICIES, folder])

    refused = await policy.ask(decide(ANN, made=PAYMENTS))
    assert refused.decision is Answer.DENY
    assert refused.reasons[0].startswith("Changes to payments need somebody of *security*")
    assert (await policy.ask(decide(SECURE, made=PAYMENTS))).decision is Answer.ALLOW
    assert (await policy.ask(decide(ANN))).decision is Answer.ALLOW
    assert (await policy.ask(create(actor=PROGRAM))).decision is Answer.DENY
    assert (await policy.ask(create(actor=PROGRAM, context=DEV))).decision is not Answer.DENY


async def test_the_same_files_are_a_candidate(folder: Path) -> None:
    tried = candidate([POLICIES, folder])

    assert tried.problem == ""
    assert tried.policy is not None
    assert (await tried.policy.ask(decide(ANN, made=PAYMENTS))).decision is Answer.DENY
