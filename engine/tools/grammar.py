"""What may be typed for each action: its words and its flags, taken from its definition."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import re2

from engine.tools.definition import Action, Tool
from engine.tools.fields import Field
from engine.tools.templates import PLACEHOLDER, placeholders

WHOLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag that may be typed: it fills a field, or its value matches and means nothing here.

    A `bare` one takes no value; with `joined` a value is possible, behind an equals sign alone.
    """

    field: str = ""
    pattern: str = ""
    bare: bool = False
    joined: bool = False

    def matches(self, value: str) -> bool:
        """Whether the value is one of those that mean nothing here."""
        return re2.fullmatch(self.pattern, value) is not None


@dataclass(frozen=True, slots=True)
class Form:
    """One way to type one action: the words behind the program, and the flags among them."""

    tool: str
    name: str
    action: Action
    words: tuple[re.Pattern[str], ...]
    flags: dict[str, Flag]
    verbs: frozenset[str] = field(default=frozenset())

    @property
    def id(self) -> str:
        return f"{self.tool}.{self.name}"

    def spec(self, name: str) -> Field:
        """The field of this name."""
        return self.action.input[name]


def forms(tools: Iterable[Tool]) -> dict[str, list[Form]]:
    """Every form, by the program that it begins with."""
    found: dict[str, list[Form]] = {}
    for tool in tools:
        for name, action in tool.actions.items():
            if action.typed and action.offered and action.commands:
                program = action.commands[0].argv[0]
                found.setdefault(program, []).extend(_forms(tool, name, action))
    return found


def _forms(tool: Tool, name: str, action: Action) -> Iterator[Form]:
    flags = _flags(tool, action)
    for line in action.lines or (_line(action),):
        tokens = line.split(" ")
        words = [token for token in tokens if not token.startswith("-")]
        needed = {token: Flag(bare=True) for token in tokens if token.startswith("-")}
        verbs = [token for token in tokens if not placeholders(token)]
        yield Form(
            tool=tool.tool,
            name=name,
            action=action,
            words=tuple(_word(word) for word in words),
            flags={**flags, **needed},
            verbs=frozenset(verbs),
        )


def _line(action: Action) -> str:
    """The words of the last command, which is the one that people know."""
    argv = action.commands[-1].argv[1:]
    switches = {name for name, one in action.input.items() if one.type == "switch"}
    said = [one for one in argv if not one.startswith("-") and one.strip("{}") not in switches]
    return " ".join(said)


def _word(template: str) -> re.Pattern[str]:
    """A word with fields in it: what stands between them is literal."""
    pattern, end = "", 0
    for found in PLACEHOLDER.finditer(template):
        pattern += f"{re.escape(template[end : found.start()])}(?P<{found[1]}>.+?)"
        end = found.end()
    return re.compile(pattern + re.escape(template[end:]))


def _flags(tool: Tool, action: Action) -> dict[str, Flag]:
    """What the commands take, then what the tool and the action say themselves."""
    found = dict(_derived(action))
    for name, said in (*tool.flags.items(), *action.flags.items()):
        whole = WHOLE.fullmatch(said)
        if whole is None:
            found[name] = Flag(pattern=said, bare=not said, joined=said.startswith("|"))
        elif whole[1] in action.input:
            switch = action.input[whole[1]].type == "switch"
            found[name] = Flag(field=whole[1], bare=switch)
    return found


def _derived(action: Action) -> Iterator[tuple[str, Flag]]:
    for command in action.commands:
        for argument in command.argv[1:]:
            whole = WHOLE.fullmatch(argument)
            if whole and (spec := action.input.get(whole[1])) and spec.type == "switch":
                yield spec.flag, Flag(field=whole[1], bare=True)
            if argument.startswith("-") and argument != "--":
                name, equals, value = argument.partition("=")
                filled = WHOLE.fullmatch(value)
                if filled and action.input[filled[1]].offered:
                    yield name, Flag(field=filled[1])
                elif not placeholders(value):
                    yield name, Flag(pattern=re.escape(value), bare=not equals)
