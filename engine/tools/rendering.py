"""From an action and its input to the call: every argument that will run, and nothing else."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit

import rfc8785

from engine.domain.call import Call, Request
from engine.domain.model import Json
from engine.errors import Invalid, NotFound
from engine.tools.definition import Action, Tool, digest_of
from engine.tools.fields import Field, WrongValue, check
from engine.tools.templates import PLACEHOLDER, Values, fill, placeholders

Transport = Literal["cli", "api"]


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
        transport: Transport | None = None,
    ) -> Call:
        """Render one action. `url` is the tool's connection, `remotes` what may be named.

        `transport` is the tool's own unless another one is asked for.

        Raises:
            Invalid: with one entry per wrong field.
            NotFound: there is no such action.
        """
        action = self.action(name)
        values = checked(action, given, remotes, place=f"{self.tool.tool}.{name}")
        transport = transport or self.tool.transport
        api = transport == "api" and action.request is not None
        request = request_of(action, values, url) if api else None
        commands = () if api else commands_of(action, values, url)
        return Call(
            tool=self.tool.tool,
            action=name,
            title=fill(action.title, values).strip(),
            effect=action.effect,
            input=dict(values),
            transport=transport,
            commands=commands,
            request=request,
            files={
                file: digest_of(text)
                for file, text in sorted(self.tool.files.items())
                if any(file in argument for argv in commands for argument in argv)
            },
            environment=() if api else tuple(sorted(self.tool.environment)),
            hosts=_hosts(action, values, url, request),
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


def commands_of(action: Action, values: Values, url: str) -> tuple[tuple[str, ...], ...]:
    """The argument vectors: an argument of the definition makes one or none of them."""
    shown = {**_switched(action, values), **connection(url)}
    return tuple(
        tuple(fill(argument, shown) for argument in command.argv if _said(argument, shown))
        for command in action.commands
    )


def connection(url: str) -> dict[str, str]:
    """What of a connection may stand in a plan."""
    return {
        "connection.url": url.rstrip("/"),
        "connection.host": urlsplit(url).netloc.rpartition("@")[2],
    }


def _switched(action: Action, values: Values) -> dict[str, str | int]:
    """Values as arguments: a switch is its flag, or absent."""
    shown: dict[str, str | int] = {}
    for name, value in values.items():
        field = action.input[name]
        if field.type != "switch":
            shown[name] = value
        elif value == "yes":
            shown[name] = field.flag
    return shown


def _said(argument: str, values: Values) -> bool:
    """Whether every value of an argument is there."""
    return all(
        name in values or f"{name}.{view}" in values for name, view in placeholders(argument)
    )


def request_of(action: Action, values: Values, url: str) -> Request:
    """The request, with every value escaped for where it stands."""
    assert action.request
    request = action.request
    path = PLACEHOLDER.sub(lambda match: _in_path(action, match[0], values), request.path)
    query = {name: fill(text, values) for name, text in sorted(request.query.items())}
    encoded = urlencode({name: text for name, text in query.items() if text}, quote_via=quote)
    body = _json(action, request.body, values)
    return Request(
        method=request.method,
        url=url.rstrip("/") + path + (f"?{encoded}" if encoded else ""),
        headers={"content-type": request.content_type} if body else {},
        body=rfc8785.dumps(body).decode() if body else "",
    )


def _in_path(action: Action, placeholder: str, values: Values) -> str:
    """A value in a path; only a field of folders keeps its slashes."""
    name, _ = placeholders(placeholder)[0]
    folders = name in action.input and action.input[name].type == "folders"
    return quote(fill(placeholder, values), safe="/" if folders else "")


def _json(action: Action, template: Json, values: Values) -> Json:
    """A body with its values; what has none is left out."""
    if isinstance(template, dict):
        filled = {key: _json(action, one, values) for key, one in template.items()}
        return {fill(key, values): one for key, one in filled.items() if one is not None}
    if isinstance(template, list):
        return [one for item in template if (one := _json(action, item, values)) is not None]
    if not isinstance(template, str):
        return template
    whole = PLACEHOLDER.fullmatch(template)
    if whole and not whole[2]:
        return _typed(action, whole[1], values)
    return fill(template, values) if _said(template, values) else None


def _typed(action: Action, name: str, values: Values) -> Json:
    field = action.input.get(name)
    if field and field.type == "switch" and name in values:
        return values[name] == "yes"
    return values.get(name)


def _hosts(action: Action, values: Values, url: str, request: Request | None) -> tuple[str, ...]:
    if request:
        return (urlsplit(request.url).netloc,)
    shown = {**values, **connection(url)}
    filled = {fill(template, shown) for template in action.hosts if _said(template, shown)}
    return tuple(sorted(filter(None, filled)))
