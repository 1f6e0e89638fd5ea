"""From an action and its input to the call: every argument that will run, and nothing else."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

import rfc8785

from engine.domain.call import Call, Request
from engine.domain.model import Json
from engine.errors import Invalid, NotFound
from engine.tools.definition import Action, HttpRequest, Tool, digest_of
from engine.tools.fields import Field, WrongValue, check
from engine.tools.templates import PLACEHOLDER, Values, fill


@dataclass(frozen=True, slots=True)
class Definition:
    """A tool with the body that it was read from; the digest is the body's."""

    tool: Tool
    body: str
    digest: str

    @classmethod
    def of(cls, tool: Tool) -> "Definition":
        """The definition of a tool that was just loaded."""
        body = tool.body
        return cls(tool, body, digest_of(body))

    @classmethod
    def stored(cls, body: str) -> "Definition":
        """A definition that was kept."""
        return cls(Tool.from_body(body), body, digest_of(body))

    def action(self, name: str) -> Action:
        """The action of this name.

        Raises:
            NotFound: there is none.
        """
        found = self.tool.actions.get(name)
        if found is None:
            raise NotFound(f"{self.tool.tool} has no action {name}.")
        return found

    def render(
        self,
        name: str,
        given: Mapping[str, Json],
        *,
        url: str = "",
        remotes: Container[str] | None = None,
    ) -> Call:
        """Render one action. `url` is the tool's connection, `remotes` what may be named.

        Raises:
            Invalid: with one entry per wrong field.
            NotFound: there is no such action.
        """
        action = self.action(name)
        values = checked(action, given, remotes, place=f"{self.tool.tool}.{name}")
        request = request_of(action.request, values, url) if action.request else None
        commands = commands_of(action, values)
        return Call(
            tool=self.tool.tool,
            action=name,
            title=fill(action.title, values),
            effect=action.effect,
            input=dict(values),
            transport=self.tool.transport,
            commands=commands,
            request=request,
            files={
                file: digest_of(text)
                for file, text in sorted(self.tool.files.items())
                if any(file in argument for argv in commands for argument in argv)
            },
            environment=tuple(sorted(self.tool.environment)),
            hosts=_hosts(action, values, request),
            timeout_seconds=action.timeout_seconds,
            idempotent=action.idempotent,
            definition=self.digest,
        )


def checked(
    action: Action, given: Mapping[str, Json], remotes: Container[str] | None, *, place: str
) -> dict[str, str | int]:
    """The input in its normal form, with defaults. Raises `Invalid`."""
    values: dict[str, str | int] = {}
    wrong = {name: "is no field of this action" for name in given if name not in action.input}
    for name, field in action.input.items():
        try:
            value = _value(field, given.get(name), remotes)
        except WrongValue as error:
            wrong[name] = str(error)
        else:
            if value is not None:
                values[name] = value
    if wrong:
        said = "; ".join(f"{name} {text}" for name, text in wrong.items())
        raise Invalid(f"{place} can't be called like that: {said}.", wrong)
    return values


def _value(field: Field, value: Json, remotes: Container[str] | None) -> str | int | None:
    if value is not None:
        return check(field, value, remotes)
    if not field.optional:
        raise WrongValue("is missing")
    return field.default


def commands_of(action: Action, values: Values) -> tuple[tuple[str, ...], ...]:
    """The argument vectors; as many arguments as the definition has, whatever the values."""
    return tuple(
        tuple(fill(argument, values) for argument in command.argv) for command in action.commands
    )


def request_of(request: HttpRequest, values: Values, url: str) -> Request:
    """The request, with every value escaped for where it stands."""
    path = PLACEHOLDER.sub(lambda match: quote(fill(match[0], values), safe=""), request.path)
    query = {name: fill(text, values) for name, text in request.query.items()}
    encoded = urlencode({name: text for name, text in query.items() if text}, quote_via=quote)
    body = {name: fill(text, values) for name, text in request.body.items()}
    return Request(
        method=request.method,
        url=url.rstrip("/") + path + (f"?{encoded}" if encoded else ""),
        headers={"content-type": "application/json"} if body else {},
        body=rfc8785.dumps(body).decode() if body else "",
    )


def _hosts(action: Action, values: Values, request: Request | None) -> tuple[str, ...]:
    if request:
        return (urlsplit(request.url).netloc,)
    filled = {fill(template, values) for template in action.hosts}
    return tuple(sorted(filter(None, filled)))
