"""Templates of connections: `{field}` of a secret, put into a file, a variable or a token."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from engine.errors import ToolFailed
from engine.ports.minting import Given

FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]{0,99})(?:\|(json|url|base64))?\}")
# What Vault calls those whom it makes; they stand in logs of the systems, and open nothing.
NAMES = frozenset({"username", "service_account_name", "service_account_namespace"})
VIEWS: Mapping[str, Callable[[str], str]] = {
    "": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "url": lambda text: quote(text, safe=""),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
}


@dataclass(frozen=True, slots=True)
class Templates:
    """What is made of one secret: `token`, variables and files by name; `login` is a file's."""

    token: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    login: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them."""
        return (self.token, *self.variables.values(), *self.files.values())

    def filled(self, fields: Mapping[str, str], where: str) -> Given:
        """With the fields of a secret.

        Raises:
            ToolFailed: a field is not there; `where` names the secret.
        """
        named = {match[1] for text in self.texts for match in FIELD.finditer(text)}
        if lacking := sorted(named - fields.keys()):
            raise ToolFailed(f"{where} has no {' and no '.join(lacking)}. Nothing was changed.")

        def fill(text: str) -> str:
            return FIELD.sub(lambda match: VIEWS[match[2] or ""](fields[match[1]]), text)

        return Given(
            token=fill(self.token),
            variables={name: fill(text) for name, text in self.variables.items()},
            files={name: fill(text) for name, text in self.files.items()},
            login=self.login,
            secrets=self._secrets(named - NAMES, fields, fill),
        )

    def _secrets(
        self, named: set[str], fields: Mapping[str, str], fill: Callable[[str], str]
    ) -> tuple[str, ...]:
        """The values that went in, and what a token or a variable was made of them."""
        single = (self.token, *self.variables.values())
        made = (fill(text) for text in single if named & {one[1] for one in FIELD.finditer(text)})
        return tuple(
            dict.fromkeys(filter(None, (*(fields[name] for name in sorted(named)), *made)))
        )


def texts_of(data: Mapping[str, object]) -> dict[str, str]:
    """Fields of a secret as text; what is no text is JSON."""
    return {
        str(name): value if isinstance(value, str) else json.dumps(value)
        for name, value in data.items()
        if value is not None
    }
