"""Linear's GraphQL API, played strictly from its documented behaviour: no real one is to be had.

It takes one path, one method, our key in the header, JSON bodies, and only documents whose
top-level fields, arguments and inputs are those of its schema. It answers errors as Linear does:
200 or 400 with `errors` and a code, 429, and complexity above 10,000 points.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web
from aiohttp.test_utils import TestServer

KEY = "lin_api_0123456789"
ANN_THERE = "11111111-1111-4111-8111-111111111111"
BO_THERE = "22222222-2222-4222-8222-222222222222"
STRANGER_THERE = "33333333-3333-4333-8333-333333333333"
US = "99999999-9999-4999-8999-999999999999"
TEAM = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
STATES = {"Todo": "s-todo", "In Progress": "s-doing", "Done": "s-done", "Canceled": "s-canceled"}
ISSUE_INPUT = {"id", "teamId", "title", "description", "stateId", "labelIds"}
FIELDS = {
    "viewer": set[str](),
    "teams": {"filter", "first"},
    "issueLabels": {"filter", "first"},
    "issue": {"id"},
    "issues": {"filter", "first"},
    "comment": {"id"},
    "issueCreate": {"input"},
    "issueUpdate": {"id", "input"},
    "commentCreate": {"input"},
    "issueLabelCreate": {"input"},
}
LONGEST, COSTLIEST = 250_000, 10_000.0


class Wrong(Exception):
    """An error of GraphQL."""

    def __init__(self, code: str, text: str, status: int = 200) -> None:
        super().__init__(text)
        self.code, self.status = code, status


@dataclass
class PlayedIssue:
    id: str
    identifier: str
    title: str
    description: str
    state: str
    labels: list[str]
    created: datetime
    updated: datetime
    history: list[dict[str, Any]] = field(default_factory=list)
    comments: list[tuple[str, str]] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "identifier": self.identifier,
            "createdAt": stamp(self.created),
            "updatedAt": stamp(self.updated),
        }


@dataclass
class PlayedLinear:
    """`faults` are used up one by one: refuse, limit, hang up before or after doing it."""

    url: str = ""
    issues: dict[str, PlayedIssue] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=lambda: {"Carapulse": "l-1"})
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    pages: int = 50
    ticks: float = 0.0

    def only(self) -> PlayedIssue:
        (issue,) = self.issues.values()
        return issue

    def comments(self) -> list[str]:
        return [text for _, text in self.only().comments]

    def state(self) -> str:
        return next(name for name, key in STATES.items() if key == self.only().state)

    def moves(self, to: str, by: str | None, *, bot: str = "") -> dict[str, Any]:
        """Somebody drags the issue to another state, as the history will tell."""
        return self._moved(self.only(), STATES[to], by, bot)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "429":
            return web.Response(status=429, headers={"Retry-After": "1"})
        if fault == "502":
            return web.Response(status=502, text="<html>bad gateway</html>")
        try:
            data = self._checked(request, await request.text(), fault)
        except Wrong as error:
            body = {"errors": [{"message": str(error), "extensions": {"code": error.code}}]}
            return web.json_response(body, status=error.status)
        if fault == "lost":  # it was done, and nobody hears of it
            assert request.transport is not None
            request.transport.close()
            await asyncio.sleep(0)
        return web.json_response({"data": data})

    def _checked(self, request: web.Request, text: str, fault: str) -> dict[str, Any]:
        if request.headers.get("Authorization") != KEY:
            raise Wrong("AUTHENTICATION_ERROR", "Authentication required", 401)
        if request.content_type != "application/json" or len(text) > LONGEST:
            raise Wrong("INVALID_INPUT", "Bad request", 400)
        if fault == "limit":
            raise Wrong("RATELIMITED", "Rate limit exceeded", 400)
        told = json.loads(text)
        document, variables = told["query"], told["variables"]
        if set(told) != {"query", "variables"} or document.count("{") != document.count("}"):
            raise Wrong("GRAPHQL_PARSE_FAILED", "Syntax error", 400)
        if cost(document) > COSTLIEST:
            raise Wrong("INPUT_ERROR", "Query too complex", 400)
        return self._run(document, variables)

    def _run(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        used = set(re.findall(r"\$(\w+)", document))
        if used - {"null"} != set(variables):
            raise Wrong("GRAPHQL_VALIDATION_FAILED", "Variables do not match", 400)
        found: dict[str, Any] = {}
        for name, arguments in top_fields(document):
            if name not in FIELDS or arguments != FIELDS[name]:
                raise Wrong("GRAPHQL_VALIDATION_FAILED", f'Cannot query field "{name}"', 400)
            self.asked.append(name)
            found[name] = getattr(self, f"_{name}")(variables, document)
        return found

    def _viewer(self, _: dict[str, Any], __: str) -> dict[str, Any]:
        return {"id": US, "name": "Carapulse"}

    def _teams(self, given: dict[str, Any], _: str) -> dict[str, Any]:
        states = [{"id": key, "name": name} for name, key in STATES.items()]
        team = {"id": TEAM, "states": {"nodes": states}, "labels": {"nodes": self._named()}}
        return {"nodes": [team] if given["key"] == "OPS" else []}

    def _issueLabels(self, _: dict[str, Any], __: str) -> dict[str, Any]:  # noqa: N802
        return {"nodes": []}

    def _named(self) -> list[dict[str, str]]:
        return [{"id": key, "name": name} for name, key in self.labels.items()]

    def _issue(self, given: dict[str, Any], document: str) -> dict[str, Any]:
        issue = self._one(given["id"])
        if "history" not in document:
            return issue.told()
        begin = int(given["after"] or 0)
        newest = list(reversed(issue.history))
        end = begin + self.pages
        more = {"hasNextPage": end < len(newest), "endCursor": str(end)}
        return {"history": {"nodes": newest[begin:end], "pageInfo": more}}

    def _issues(self, given: dict[str, Any], _: str) -> dict[str, Any]:
        return {"nodes": [one.told() for one in self.issues.values() if one.id in given["ids"]]}

    def _comment(self, given: dict[str, Any], _: str) -> dict[str, Any]:
        if not any(given["id"] == key for one in self.issues.values() for key, _ in one.comments):
            raise Wrong("INPUT_ERROR", "Entity not found: Comment")
        return {"id": given["id"]}

    def _issueCreate(self, given: dict[str, Any], _: str) -> dict[str, Any]:  # noqa: N802
        wanted = given["input"]
        if (
            set(wanted) != ISSUE_INPUT
            or wanted["teamId"] != TEAM
            or UUID(wanted["id"]).version != 4
        ):
            raise Wrong("INVALID_INPUT", "Argument Validation Error", 400)
        if wanted["id"] in self.issues:
            raise Wrong("INPUT_ERROR", "Entity Issue with this id already exists")
        self._known(wanted)
        number = f"OPS-{len(self.issues) + 1}"
        at = self._now()
        self.issues[wanted["id"]] = PlayedIssue(
            wanted["id"], number, wanted["title"], wanted["description"], wanted["stateId"],
            list(wanted["labelIds"]), at, at,
        )  # fmt: skip
        return {"success": True, "issue": self.issues[wanted["id"]].told()}

    def _issueUpdate(self, given: dict[str, Any], _: str) -> dict[str, Any]:  # noqa: N802
        issue, wanted = self._one(given["id"]), given["input"]
        if not wanted or set(wanted) - (ISSUE_INPUT - {"id", "teamId"}):
            raise Wrong("INVALID_INPUT", "Argument Validation Error", 400)
        self._known(wanted)
        issue.title = wanted.get("title", issue.title)
        issue.description = wanted.get("description", issue.description)
        issue.labels = list(wanted.get("labelIds", issue.labels))
        issue.updated = self._now()
        if wanted.get("stateId", issue.state) != issue.state:
            self._moved(issue, wanted["stateId"], US, "")
        return {"success": True, "issue": issue.told()}

    def _commentCreate(self, given: dict[str, Any], _: str) -> dict[str, Any]:  # noqa: N802
        wanted = given["input"]
        if set(wanted) != {"id", "issueId", "body"} or not wanted["body"].strip():
            raise Wrong("INVALID_INPUT", "Argument Validation Error", 400)
        issue = self._one(wanted["issueId"])
        if any(wanted["id"] == key for key, _ in issue.comments):
            raise Wrong("INPUT_ERROR", "Entity Comment with this id already exists")
        issue.comments.append((wanted["id"], wanted["body"]))
        return {"success": True, "comment": {"id": wanted["id"]}}

    def _issueLabelCreate(self, given: dict[str, Any], _: str) -> dict[str, Any]:  # noqa: N802
        name = given["input"]["name"]
        if name.casefold() in {each.casefold() for each in self.labels}:
            raise Wrong("INPUT_ERROR", "Duplicate label name")
        self.labels[name] = f"l-{len(self.labels) + 1}"
        return {"success": True, "issueLabel": {"id": self.labels[name]}}

    def _known(self, wanted: dict[str, Any]) -> None:
        if wanted.get("stateId", "s-todo") not in STATES.values():
            raise Wrong("INPUT_ERROR", "Entity not found: WorkflowState")
        if set(wanted.get("labelIds", [])) - set(self.labels.values()):
            raise Wrong("INPUT_ERROR", "Entity not found: IssueLabel")

    def _one(self, issue_id: str) -> PlayedIssue:
        if issue_id not in self.issues:
            raise Wrong("INPUT_ERROR", "Entity not found: Issue")
        return self.issues[issue_id]

    def _moved(self, issue: PlayedIssue, to: str, by: str | None, bot: str) -> dict[str, Any]:
        names = {key: name for name, key in STATES.items()}
        issue.state, issue.updated = to, self._now()
        people = {ANN_THERE: "Ann", BO_THERE: "Bo", US: "Carapulse"}
        entry = {
            "id": str(uuid4()),
            "createdAt": stamp(issue.updated),
            "actor": {"id": by, "name": people.get(by, "Somebody *bold*")} if by else None,
            "botActor": {"id": "b-1", "name": bot} if bot else None,
            "toState": {"id": to, "name": names[to]},
        }
        issue.history.append(entry)
        return entry

    def _now(self) -> datetime:
        """Each change has a moment of its own, as a clock with microseconds gives it."""
        self.ticks += 0.001
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.ticks, UTC)


@asynccontextmanager
async def open_linear() -> AsyncIterator[PlayedLinear]:
    linear = PlayedLinear()
    app = web.Application()
    app.router.add_post("/graphql", linear.answer)
    async with TestServer(app) as server:
        linear.url = str(server.make_url("/graphql"))
        yield linear


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def top_fields(document: str) -> list[tuple[str, set[str]]]:
    """Names of the first level of a document, each with the names of its arguments."""
    body = document[document.index("{", document.index(")") if "(" in document else 0) + 1 :]
    found: list[tuple[str, set[str]]] = []
    depth, at = 0, 0
    while at < len(body):
        if body[at] in "{}":
            depth += 1 if body[at] == "{" else -1
            if depth < 0:
                break
        elif depth == 0 and (match := re.compile(r"(\w+)\s*(\()?").match(body, at)):
            end = match.end()
            names: set[str] = set()
            if match[2]:
                end = closing(body, match.end())
                names = arguments(body[match.end() : end])
                end += 1
            found.append((match[1], names))
            at = end
            continue
        at += 1
    return found


def closing(body: str, at: int) -> int:
    depth = 1
    while depth:
        depth += {"(": 1, ")": -1}.get(body[at], 0)
        at += 1
    return at - 1


def arguments(text: str) -> set[str]:
    depth, found, word = 0, set[str](), ""
    for char in text:
        if char == ":" and depth == 0:
            found.add(word.split()[-1].strip(","))
            word = ""
        depth += {"{": 1, "}": -1}.get(char, 0)
        word += char
    return found


def cost(document: str) -> float:
    """A tenth for each field, one for each object, and a connection multiplies what is in it."""
    total, factors = 0.0, [1.0]
    first = 50.0
    for token in re.findall(r"first: (\d+)|([{}])|(\w+)", document):
        if token[0]:
            first = float(token[0])
        elif token[1] == "{":
            factors.append(factors[-1] * (first if first != 50.0 else 1.0))
            total += factors[-1]
            first = 50.0
        elif token[1] == "}":
            factors.pop()
        else:
            total += 0.1 * factors[-1]
    return total
