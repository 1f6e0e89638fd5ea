"""Linear over its GraphQL API: issues, comments, workflow states, and who moved what."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from engine.domain.issue import Filing, IssueMove, Shown, Standing
from engine.domain.model import Json
from engine.errors import Invalid, NotFound, Unavailable
from engine.outside import linear_documents as documents
from engine.outside.asking import Asking

T = TypeVar("T")
PAGES_AT_MOST = 4
LIMITED = "RATELIMITED"
REFUSED_KEY = frozenset({"AUTHENTICATION_ERROR", "FORBIDDEN"})
OAUTH = "lin_oauth_"


@dataclass(frozen=True, slots=True)
class Names:
    """What a team calls things: its key, the states that mean something to us, and labels."""

    team: str
    waiting: str
    approved: str
    rejected: str


@dataclass(frozen=True, slots=True)
class Team:
    """The team as Linear knows it; `viewer` is whom our key belongs to."""

    id: str
    viewer: str
    viewer_name: str
    states: dict[Standing, str]
    labels: dict[str, str]


@dataclass(slots=True)
class Linear:
    """The `Tracker` port. What names stand for is asked once, and again when Linear refuses."""

    asking: Asking
    url: str
    key: str = field(repr=False)
    names: Names
    _team: Team | None = None
    _asks: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self, issue_id: str, filing: Filing, *, again: bool) -> Shown:
        """Our own id makes it once: what is there already is what we sent before."""
        if again and (there := await self._found(issue_id)):
            return there
        team = await self._known()
        given: dict[str, Json] = {
            "id": issue_id,
            "teamId": team.id,
            "title": filing.title,
            "description": filing.description,
            "stateId": team.states[Standing.WAITING],
            "labelIds": await self._labels(team, filing.labels),
        }
        return await self._ask(
            documents.OPEN, {"input": given}, lambda told: shown(told["issueCreate"], "createdAt")
        )

    async def rewrite(self, issue_id: str, filing: Filing) -> Shown:
        """Another version in the same issue, which waits again."""
        team = await self._known()
        given: dict[str, Json] = {
            "title": filing.title,
            "description": filing.description,
            "stateId": team.states[Standing.WAITING],
            "labelIds": await self._labels(team, filing.labels),
        }
        return await self._ask(
            documents.UPDATE,
            {"id": issue_id, "input": given},
            lambda told: shown(told["issueUpdate"], "updatedAt"),
        )

    async def comment(self, issue_id: str, comment_id: str, text: str, *, again: bool) -> None:
        """Our own id makes it once."""
        given: dict[str, Json] = {"id": comment_id, "issueId": issue_id, "body": text}
        try:
            await self._ask(documents.COMMENT, {"input": given}, nothing)
        except Invalid:
            if not again or not await self._said(comment_id):
                raise

    async def move(self, issue_id: str, standing: Standing) -> None:
        team = await self._known()
        given: dict[str, Json] = {"stateId": team.states[standing]}
        await self._ask(documents.UPDATE, {"id": issue_id, "input": given}, nothing)

    async def moves(self, issue_id: str) -> list[IssueMove]:
        """From the issue's history; what the owner of our own key does is not somebody's act."""
        team = await self._known()
        found: list[IssueMove] = []
        after: str | None = None
        for _ in range(PAGES_AT_MOST):
            given: dict[str, Json] = {"id": issue_id, "after": after}
            more, after = await self._ask(
                documents.HISTORY, given, lambda told: moves(told["issue"]["history"], team)
            )
            found += more
            if after is None:
                break
        return sorted(found, key=lambda one: one.at)

    async def updated(self, issue_ids: Sequence[str]) -> dict[str, datetime]:
        if not issue_ids:
            return {}
        return await self._ask(
            documents.UPDATED,
            {"ids": list(issue_ids)},
            lambda told: {
                each["id"]: moment(each["updatedAt"]) for each in told["issues"]["nodes"]
            },
        )

    async def check(self) -> str:
        """Also asks anew what the names stand for."""
        self._team = None
        return (await self._known()).viewer_name

    @property
    def viewer(self) -> str:
        """Whose account our key is; empty before it was asked."""
        return self._team.viewer if self._team else ""

    async def _found(self, issue_id: str) -> Shown | None:
        try:
            return await self._ask(
                documents.ISSUE, {"id": issue_id}, lambda told: shown(told, "createdAt")
            )
        except NotFound:
            return None

    async def _said(self, comment_id: str) -> bool:
        try:
            await self._ask(documents.SAID, {"id": comment_id}, nothing)
        except NotFound:
            return False
        return True

    async def _known(self) -> Team:
        async with self._asks:
            if self._team is None:
                try:
                    self._team = await self._ask(
                        documents.TEAM,
                        {"key": self.names.team},
                        lambda told: team_of(told, self.names),
                    )
                except Unavailable as error:
                    raise self.asking.refused(str(error)) from None
            return self._team

    async def _labels(self, team: Team, names: Sequence[str]) -> list[Json]:
        """Ids of labels; what the team has not is made."""
        for name in names:
            if name.casefold() not in team.labels:
                given: dict[str, Json] = {"teamId": team.id, "name": name}
                team.labels[name.casefold()] = await self._ask(
                    documents.LABEL,
                    {"input": given},
                    lambda told: str(told["issueLabelCreate"]["issueLabel"]["id"]),
                )
        return [team.labels[name.casefold()] for name in names]

    async def _ask(
        self, document: str, variables: dict[str, Json], take: Callable[[dict[str, Any]], T]
    ) -> T:
        """What `take` reads in the data; what can't be read is an answer that did not come."""
        authorization = f"Bearer {self.key}" if self.key.startswith(OAUTH) else self.key
        body: Json = {"query": document, "variables": variables}
        reply = await self.asking.post(self.url, body, {"Authorization": authorization})
        told = reply.body if isinstance(reply.body, dict) else {}
        if reply.status in (401, 403):
            raise self.asking.refused("Linear refuses our key.")
        if errors := told.get("errors"):
            raise self._refused(errors)
        data = told.get("data")
        if reply.status != 200 or not isinstance(data, dict) or None in data.values():
            raise Unavailable("linear", f"Linear answered {reply.status} without data.")
        try:
            return take(data)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Unavailable("linear", "Linear's answer can't be read.") from None

    def _refused(self, errors: Json) -> Exception:
        """What an error means: patience, our key, nothing there, or never."""
        first: Any = errors[0] if isinstance(errors, list) and errors else {}
        extensions = first.get("extensions") or {}
        code, text = str(extensions.get("code", "")), str(first.get("message", ""))[:300]
        if code == LIMITED:
            return self.asking.limited(60)
        if code in REFUSED_KEY:
            return self.asking.refused("Linear refuses our key.")
        if "not found" in text.lower():
            return NotFound(f"Linear: {text}")
        self._team = None  # a state or a label may be gone
        return Invalid(f"Linear: {text or code or 'refused'}")


def team_of(answer: Mapping[str, Any], names: Names) -> Team:
    """The team, its states by what they mean to us. Raises `Unavailable` with what to correct."""
    nodes = answer["teams"]["nodes"]
    if not nodes:
        raise Unavailable("linear", f"Linear has no team {names.team}. Correct linear.team.")
    states = {spelt(each["name"]): each["id"] for each in nodes[0]["states"]["nodes"]}
    wanted = {
        Standing.WAITING: names.waiting,
        Standing.APPROVED: names.approved,
        Standing.REJECTED: names.rejected,
    }
    for name in wanted.values():
        if spelt(name) not in states:
            raise Unavailable(
                "linear", f"The team {names.team} has no state {name}. Correct linear.states."
            )
    labels = [*nodes[0]["labels"]["nodes"], *answer["issueLabels"]["nodes"]]
    return Team(
        id=nodes[0]["id"],
        viewer=answer["viewer"]["id"],
        viewer_name=answer["viewer"]["name"],
        states={standing: states[spelt(name)] for standing, name in wanted.items()},
        labels={each["name"].casefold(): each["id"] for each in labels},
    )


def spelt(name: str) -> str:
    """Linear's own state is Canceled, and many teams write Cancelled."""
    return name.strip().casefold().replace("cancelled", "canceled")


def moves(history: Mapping[str, Any], team: Team) -> tuple[list[IssueMove], str | None]:
    """Moves of one page of a history, and where the next page begins."""
    others = [
        each
        for each in history["nodes"]
        if each["toState"]
        and team.viewer not in [(each[who] or {}).get("id") for who in ("actor", "botActor")]
    ]
    more = history["pageInfo"]
    return [move(each, team) for each in others], (
        more["endCursor"] if more["hasNextPage"] else None
    )


def nothing(_: dict[str, Any]) -> None:
    """The answer tells nothing that we need."""


def move(entry: Mapping[str, Any], team: Team) -> IssueMove:
    """One entry of a history. A bot may act in somebody's name: that is nobody's own act."""
    meaning = {state: standing for standing, state in team.states.items()}
    to, actor = entry["toState"], entry.get("actor") or {}
    bot = entry.get("botActor")
    return IssueMove(
        id=entry["id"],
        at=moment(entry["createdAt"]),
        to=meaning.get(to["id"]),
        state=str(to["name"])[:100],
        actor="" if bot else str(actor.get("id", ""))[:100],
        name=str((bot or actor).get("name") or "")[:100],
    )


def shown(told: Mapping[str, Any], when: str) -> Shown:
    """What is told of an issue, and when that was."""
    issue = told["issue"]
    return Shown(identifier=str(issue["identifier"]), at=moment(issue[when]))


def moment(text: str) -> datetime:
    """Linear's time, with its zone."""
    return datetime.fromisoformat(text)
