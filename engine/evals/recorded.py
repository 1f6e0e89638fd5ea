"""A model whose replies were written down, for scenarios that cost nothing and never change."""

import json
from collections.abc import Sequence

from engine.errors import Unavailable
from engine.evals.scenario import Turn
from engine.llm.exchange import COMPONENT, Asked, FunctionCall, ProviderSettings, Reply


class Recorded:
    """The `Provider` port: each turn answers one question."""

    settings = ProviderSettings("recorded", "scenario", "")

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = list(turns)

    async def ask(self, asked: Asked) -> Reply:
        if not self._turns:
            raise Unavailable(COMPONENT, "The scenario holds no further reply of a model.")
        turn = self._turns.pop(0)
        if turn.calls and not asked.functions:
            raise Unavailable(COMPONENT, "The scenario's model still looks, and may not any more.")
        calls = tuple(
            FunctionCall(name.replace(".", "__"), json.dumps(given)) for name, given in turn.calls
        )
        text = turn.words if turn.answer is None else json.dumps(turn.answer)
        return Reply(text, calls=calls)
