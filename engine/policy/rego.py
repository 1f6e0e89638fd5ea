"""The policy in process: Rego through regopy, compiled once, one interpreter behind a lock.

regopy's interpreter is not safe between threads (it answers wrongly, without an error), copies
strings of a `set_input` unescaped, and reports some errors as text. So: a lock, `set_input_term`
with JSON, and an answer counts only when it parses into exactly what a ruling holds.
"""

import json
import re
import threading
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import orjson
import re2  # noqa: F401 - loaded after regopy it corrupts memory; loaded before, both work
import regopy

from engine.domain.policy import Question, Ruling
from engine.errors import ConfigurationError, Unavailable
from engine.policy.answers import DOWN, UNKNOWN, denied, ruled
from engine.policy.facts import document, missing
from engine.policy.modules import UNBOUND, Bound, data, modules
from engine.policy.smoke import SMOKE

ENTRY = "policy/assistant/v1/result"
# A message, and the byte of the file at which its subject begins.
PLACED = re.compile(
    r"\(errormsg \d+:([^()\n]{1,200})\)\s*\(errorast (?:\d+:[^|\n]{0,300})?\|(\d+)\|"
)
MESSAGE = re.compile(r"\(errormsg \d+:([^()\n]{1,200})\)")


class RegoPolicy:
    """The `Policy` port over Rego files in folders; later folders add to earlier ones.

    `bound` are the roles of directory groups, as the settings say them.
    """

    def __init__(self, folders: Sequence[Path], bound: Bound = UNBOUND) -> None:
        self._lock = threading.Lock()
        self._interpreter, self._bundle = compiled(folders, bound)
        for question, decision in SMOKE:
            answer = self._decide(question)
            if answer.decision is not decision:
                raise ConfigurationError(
                    f"The policy answers {answer.decision} to a known question "
                    f"({question.action} by {question.actor.id}); it must be {decision}."
                )

    async def ask(self, question: Question) -> Ruling:
        """Decide. A question that lacks a fact is denied before any rule sees it.

        Evaluated on the spot: it takes less time than the way to another thread and back.
        """
        return self._decide(question)

    def _decide(self, question: Question) -> Ruling:
        if wrong := missing(question):
            return denied(f"Not allowed: {wrong}")
        given = orjson.dumps(document(question))
        return ruling(self.evaluate(given.decode()), sha256(given).hexdigest())

    def evaluate(self, given: str) -> str:
        """What the rules answer to an input, as text. Raises `Unavailable`."""
        try:
            with self._lock:
                self._interpreter.set_input_term(given)
                output = self._interpreter.query_bundle_entrypoint(self._bundle, ENTRY)
                good, text = output.ok(), str(output)
        except (regopy.RegoError, json.JSONDecodeError) as error:  # the second: text unescaped
            raise Unavailable("policy", DOWN) from error
        if not good or text.startswith("Errors:"):
            raise Unavailable("policy", DOWN)
        return text


def compiled(
    folders: Sequence[Path], bound: Bound = UNBOUND
) -> tuple[regopy.Interpreter, regopy.Bundle]:
    """An interpreter with the folders' modules, built for the entry point.

    Raises:
        ConfigurationError: a module has a syntax error, or the whole can't be built.
    """
    interpreter = regopy.Interpreter()
    interpreter.strict_built_in_errors = True
    for name, source in modules(folders).items():
        try:
            interpreter.add_module(name, source)
        except regopy.RegoError as error:
            raise ConfigurationError(
                f"The policy {name} can't be read: {told(error, source)}."
            ) from None
    interpreter.add_data_json(json.dumps(data(folders, bound)))
    try:
        bundle = interpreter.build(None, [ENTRY])
    except regopy.RegoError as error:
        raise ConfigurationError(f"The policy can't be built: {told(error)}.") from None
    if not bundle.ok():
        raise ConfigurationError("The policy can't be built.")
    return interpreter, bundle


def told(error: regopy.RegoError, source: str = "") -> str:
    """What is wrong and in which line; the rest of the error is a tree of thousands of lines."""
    text, data = str(error), source.encode()
    lines = [(data.count(b"\n", 0, int(at)) + 1, what) for what, at in PLACED.findall(text)]
    placed = [f"line {line}: {what}" for line, what in lines if source]
    found = placed or MESSAGE.findall(text)
    return "; ".join(list(dict.fromkeys(found))[:3]) or "unknown error"


def ruling(text: str, digest: str) -> Ruling:
    """Read an evaluation's output; what is not exactly one known answer is a deny."""
    try:
        values = orjson.loads(text)["expressions"]
        (value,) = values
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return denied(UNKNOWN, digest)
    return ruled(value, digest)
