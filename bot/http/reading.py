"""What callers send, read strictly: bodies, pages, and the revision that they have seen."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from aiohttp import web
from pydantic import Field, ValidationError

from bot.http.answers import answer
from engine.domain.alertmanager import clean
from engine.domain.model import Json, Model
from engine.errors import Invalid, NotFound

LARGEST_BODY = 512 * 1024
LONGEST_NAME = 200
ETAG = re.compile(r'"(\d{1,9})"')
Given = TypeVar("Given", bound=Model)
Item = TypeVar("Item")
Query = TypeVar("Query", bound=Model)


class PageQuery(Model):
    """`cursor` is the `next` of the page before; `q` searches."""

    cursor: Annotated[str, Field(max_length=200)] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    q: Annotated[str, Field(max_length=1000)] = ""
    service: Annotated[str, Field(max_length=64)] = ""
    tag: Annotated[str, Field(max_length=64)] = ""
    session: Annotated[str, Field(max_length=200)] = ""

    @property
    def after(self) -> str | None:
        """The id that the page before ended with. Raises `Invalid`."""
        if not self.cursor:
            return None
        try:
            return str(UUID(base64.urlsafe_b64decode(self.cursor.encode()).decode()))
        except (binascii.Error, ValueError):
            raise Invalid("The query is wrong.", {"cursor": "is none of ours"}) from None


def query(request: web.Request) -> PageQuery:
    """The query of a list. Raises `Invalid`."""
    return asked(request, PageQuery)


def asked(request: web.Request, kind: type[Query]) -> Query:
    """The query, read strictly. Raises `Invalid` that names each wrong part."""
    if len(request.query) != len(set(request.query)):
        raise Invalid("A name is there twice in the query.")
    if any("\x00" in value for value in request.query.values()):
        raise Invalid("The query holds a character that no text has.")
    try:
        return kind.model_validate_strings(dict(request.query))
    except ValidationError as error:
        raise Invalid("The query is wrong.", fields(error)) from None


def named(request: web.Request) -> str:
    """The id, name or title of the path. Raises `NotFound` for what can't be one."""
    given = request.match_info["id"]
    if len(given) > LONGEST_NAME or not given.isprintable():
        raise NotFound("There is nothing of that name.")
    return given


async def content(request: web.Request) -> dict[str, Any]:
    """A JSON object. Raises `Invalid`, 413 and 415."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send application/json.")
    if (request.content_length or 0) > LARGEST_BODY:
        raise web.HTTPRequestEntityTooLarge(LARGEST_BODY, request.content_length or 0)
    raw = await request.content.read(LARGEST_BODY + 1)
    while raw and not request.content.at_eof() and len(raw) <= LARGEST_BODY:
        raw += await request.content.read(LARGEST_BODY + 1)
    if len(raw) > LARGEST_BODY:
        raise web.HTTPRequestEntityTooLarge(LARGEST_BODY, len(raw))
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Invalid("The body is no JSON.") from None
    if not isinstance(found, dict):
        raise Invalid("The body must be a JSON object.")
    return found


def checked(kind: type[Given], given: Mapping[str, Any]) -> Given:
    """The body as a model. Raises `Invalid` that names each wrong field."""
    try:
        return kind.model_validate_json(orjson.dumps(dict(given)))
    except ValidationError as error:
        raise Invalid("The body is wrong.", fields(error)) from None


def fields(error: ValidationError) -> dict[str, str]:
    """What is wrong with which field; its value is not repeated."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return {clean(".".join(map(str, item["loc"])), 64): item["msg"] for item in found[:20]}


def if_match(request: web.Request) -> int | None:
    """The revision that the caller has seen; None where it does not say. Raises `Invalid`."""
    given = request.headers.get("If-Match", "").strip()
    if given in ("", "*"):
        return None
    match = ETAG.fullmatch(given)
    if match is None:
        raise Invalid('If-Match is no ETag of ours; it looks like "3".')
    return int(match[1])


def one(body: Mapping[str, Json], revision: int, *, location: str = "") -> web.Response:
    """A record with its ETag; 201 where it is new."""
    response = answer(body, status=201 if location else 200)
    response.headers["ETag"] = f'"{revision}"'
    if location:
        response.headers["Location"] = location
    return response


def page(
    items: Sequence[Item], wanted: PageQuery, shown: Callable[[Item], Json], key: str = "id"
) -> web.Response:
    """The first `limit` items, of one more that was read; `next` is null at the end."""
    kept: list[Json] = [shown(item) for item in items[: wanted.limit]]
    last = kept[-1] if len(items) > wanted.limit and not wanted.q else None
    cursor = None
    if isinstance(last, dict):
        cursor = base64.urlsafe_b64encode(str(last[key]).encode()).decode()
    return answer({"items": kept, "next": cursor})
