"""The one way in which domain types are built: frozen, closed, and comparable."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, JsonValue, StringConstraints


class Model(BaseModel):
    """Immutable; an unknown field is an error; fields are only ever added, with defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


Json = JsonValue
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Sentence = Annotated[str, StringConstraints(max_length=3000)]
