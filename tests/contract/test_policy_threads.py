"""One policy asked by eight threads at once answers each of them as it answers one."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor

from engine.domain.policy import Question
from engine.policy.rego import RegoPolicy
from tests.contract.policy_questions import Lot
from tests.unit.governing import POLICIES

THREADS = 8
EACH = 150


def test_eight_threads_get_no_wrong_decision() -> None:
    policy = RegoPolicy([POLICIES])
    lot = Lot(8)
    asked = [draw() for _ in range(EACH) for draw in (lot.question, lot.ordinary)]
    alone = asyncio.run(answers(policy, asked))

    def one(seed: int) -> list[tuple[int, str]]:
        order = random.Random(seed).sample(range(len(asked)), EACH)  # noqa: S311 - repeatable
        said = asyncio.run(answers(policy, [asked[number] for number in order]))
        return list(zip(order, said, strict=True))

    with ThreadPoolExecutor(THREADS) as threads:
        together = [pair for said in threads.map(one, range(THREADS)) for pair in said]

    assert len(set(alone)) >= 3
    assert [pair for pair in together if pair[1] != alone[pair[0]]] == []


async def answers(policy: RegoPolicy, asked: list[Question]) -> list[str]:
    """What is said to each, but for the decision's own id."""
    return [
        (await policy.ask(one)).model_copy(update={"id": ""}).model_dump_json() for one in asked
    ]
