"""The policy as an OPA server, asked over HTTP; nothing but a clear answer lets anything pass."""

import asyncio
import re
from hashlib import sha256

import aiohttp
import orjson
import structlog

from engine.domain.breaker import Breaker
from engine.domain.policy import Question, Ruling
from engine.errors import ConfigurationError, Unavailable
from engine.policy.answers import DOWN, denied, ruled
from engine.policy.facts import document, missing
from engine.policy.smoke import SMOKE

PATH = "/v1/data/policy/assistant/v1/result"
# An error of a builtin is an error, and not an undefined rule that nobody notices.
STRICT = {"strict-builtin-errors": "true"}
MOST_BYTES = 256 * 1024
DECISION_ID = re.compile(r"^[A-Za-z0-9-]{1,64}$")
JSON = {"Content-Type": "application/json"}
log = structlog.get_logger(__name__)


class OpaPolicy:
    """The `Policy` port over an OPA server that holds our rules.

    Before the server's first answer counts it has to answer the questions that we know the
    answers to: a server without our rules would deny everything, one with others could allow it.
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: str, *, timeout: float, breaker: Breaker
    ) -> None:
        self._session = session
        self._url = url.rstrip("/") + PATH
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=min(timeout, 2.0))
        self._breaker = breaker
        self._known = False
        self._checking = asyncio.Lock()

    async def ask(self, question: Question) -> Ruling:
        """Decide. A question that lacks a fact is denied before the server is asked."""
        if wrong := missing(question):
            return denied(f"Not allowed: {wrong}")
        if not self._known:
            async with self._checking:
                if not self._known:
                    await self._check()
        return await self._decide(question)

    async def _check(self) -> None:
        for question, decision in SMOKE:
            answer = await self._decide(question)
            if answer.decision is not decision:
                raise Unavailable(
                    "policy",
                    f"The policy server answers {answer.decision} to a known question "
                    f"({question.action} by {question.actor.id}); it must be {decision}. "
                    "It does not hold the rules of this version, so nothing is allowed.",
                )
        self._known = True

    async def _decide(self, question: Question) -> Ruling:
        given = orjson.dumps(document(question))
        body = b'{"input":' + given + b"}"
        if not self._breaker.admits():
            raise Unavailable("policy", DOWN)
        try:
            answer = await self._post(body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self._breaker.broke()
            log.warning("policy is down", action="policy.down", error=type(error).__name__)
            raise Unavailable("policy", DOWN) from error
        except asyncio.CancelledError:
            self._breaker.left()
            raise
        self._breaker.worked()
        return _ruling(answer, sha256(given).hexdigest())

    async def _post(self, body: bytes) -> object:
        """The answer, read. Raises `ValueError` for anything but a JSON body with status 200."""
        async with self._session.post(
            self._url,
            data=body,
            params=STRICT,
            headers=JSON,
            timeout=self._timeout,
            allow_redirects=False,
        ) as response:
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            text = await response.content.read(MOST_BYTES + 1)
            while len(text) <= MOST_BYTES and (more := await response.content.read(MOST_BYTES)):
                text += more
        if len(text) > MOST_BYTES:
            raise ValueError("too long")
        return orjson.loads(text)


def checked_url(url: str) -> str:
    """An address that can be asked. Raises `ConfigurationError`."""
    if not re.match(r"^https?://[^\s/@?#]+(/[^\s?#@]*)?$", url):
        raise ConfigurationError(
            f"policy.opa_url must look like http://opa:8181 and hold no user, not {url!r}."
        )
    return url


def _ruling(answer: object, digest: str) -> Ruling:
    """An undefined document has no `result`, and that is a deny."""
    if not isinstance(answer, dict):
        return ruled(None, digest)
    given = answer.get("decision_id")
    name = given if isinstance(given, str) and DECISION_ID.match(given) else ""
    return ruled(answer.get("result"), digest, name)
