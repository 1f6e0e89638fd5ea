"""Allowed reads are remembered for as long as the policy says; nothing else ever is."""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256

import orjson

from engine.domain.policy import Deed, Question, Ruling
from engine.policy.facts import document
from engine.ports import Policy

MOST = 10_000
READS = frozenset({Deed.TOOL_READ, Deed.TOOL_LIST}) | {
    deed for deed in Deed if deed.value.endswith(".read")
}


class CachedPolicy:
    """The `Policy` port around another one. `clock` is monotonic.

    The key is the whole question without its time. While the policy is down what is remembered
    still counts until its own end, and not a moment longer.
    """

    def __init__(self, inner: Policy, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Ruling]] = OrderedDict()

    async def ask(self, question: Question) -> Ruling:
        """The remembered ruling, with the id of the decision that it was; or a new one."""
        if question.action not in READS:
            return await self._inner.ask(question)
        key = _key(question)
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept[0]:
            return kept[1]
        asked = self._clock()
        ruling = await self._inner.ask(question)
        if ruling.allows and ruling.ttl > 0:
            self._keep(key, asked + ruling.ttl, ruling)
        else:
            self._kept.pop(key, None)
        return ruling

    def _keep(self, key: bytes, until: float, ruling: Ruling) -> None:
        self._kept[key] = (until, ruling)
        self._kept.move_to_end(key)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)


def _key(question: Question) -> bytes:
    given = document(question)
    del given["time"]
    return sha256(orjson.dumps(given, option=orjson.OPT_SORT_KEYS)).digest()
