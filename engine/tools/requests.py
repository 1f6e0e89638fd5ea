"""Sends the request of one call and says how it ended."""

from dataclasses import dataclass

import re2

from engine.domain.call import Call, CallResult, Effect, Ending, Request
from engine.domain.model import Json
from engine.tools.api import Answer, ApiTransport, RequestFailed
from engine.tools.definition import Action, Tool
from engine.tools.outputs import Missing, from_json, parsed
from engine.tools.rendering import request_of
from engine.tools.report import Report
from engine.tools.templates import fill

SHOWN_ANSWER = 2000


@dataclass(frozen=True, slots=True)
class RequestRun:
    """One call whose transport is an API."""

    api: ApiTransport
    tool: Tool
    call: Call
    values: dict[str, str | int]
    report: Report

    @property
    def action(self) -> Action:
        return self.tool.actions[self.call.action]

    async def result(self) -> CallResult:
        """Send it; a failure is a result and no exception."""
        try:
            answer = await self.api.send(
                self.call.tool,
                self._request(),
                self.call.timeout_seconds,
                self.tool.authorization,
            )
        except RequestFailed as error:
            return CallResult(ending=self._unless_sent(sent=error.sent), message=str(error))
        await self.report.answer(answer.body, SHOWN_ANSWER)
        return self._judged(answer)

    def _request(self) -> Request:
        assert self.call.request
        assert self.action.request
        base = (
            self.api.endpoints[self.call.tool].url if self.call.tool in self.api.endpoints else ""
        )
        return request_of(self.action, self.values, base)

    def _judged(self, answer: Answer) -> CallResult:
        document = _json(answer.body)
        if problem := self._complaint(answer, document):
            # A server's own error says nothing about how far it came.
            ending = self._unless_sent(sent=answer.status >= 500)
            return CallResult(ending=ending, message=problem, exit_code=answer.status)
        try:
            outputs = from_json(self.action.answered, document, self.values)
        except Missing as missing:
            return CallResult(ending=Ending.FAILED, message=str(missing), exit_code=answer.status)
        return CallResult(ending=Ending.SUCCEEDED, outputs=outputs, exit_code=answer.status)

    def _complaint(self, answer: Answer, document: Json) -> str:
        assert self.action.request
        for complaint in self.action.request.fails_when:
            if re2.search(complaint.pattern, answer.body):
                return fill(complaint.say, self.values)
        if answer.status >= 400:
            said = self._own_words(document)
            return f"{self.call.tool} answered {answer.status}" + (f": {said}" if said else ".")
        if document is None and self.action.answered:
            return f"{self.call.tool} answered with something that is not JSON."
        return ""

    def _own_words(self, document: Json) -> str:
        assert self.action.request
        value = document
        for part in filter(None, self.action.request.error.split(".")):
            if isinstance(value, list):
                value = value[0] if value else None
            else:
                value = value.get(part) if isinstance(value, dict) else None
        return value[:500] if isinstance(value, str) else ""

    def _unless_sent(self, *, sent: bool) -> Ending:
        write = self.call.effect is not Effect.READ
        return Ending.UNKNOWN if write and sent else Ending.FAILED


def _json(text: str) -> Json:
    """The document; None when it is not JSON."""
    try:
        return parsed(text)
    except ValueError:
        return None
