"""From a command line that somebody typed to an action and its input; the way back never runs.

The words and flags of the definitions are all that is known: what is not known is refused. What
runs is rendered from the action and its input, never from what was typed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.domain.context import ContextRef
from engine.domain.model import Json
from engine.tools.definition import Tool
from engine.tools.fields import Field, WrongValue, check
from engine.tools.grammar import Flag, Form, forms

LONGEST = 2000
MOST = 60
FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
NUMBER = re.compile(r"-[0-9]+")
# A namespace may be said; a cluster, region or environment is where the plan acts, or nothing.
SAID = frozenset({"namespace"})
# What a step is told by the service that it is about.
TOLD = frozenset({"remote", "branch", "chart"})
# A word that says where somebody's working folder is; it means nothing here.
LOCAL = "_"
PUBLIC = re.compile(r"(?:https|ssh)://(?:git@)?[a-z0-9][a-z0-9.-]*\.[a-z]{2,}(?::[0-9]{1,5})?/")
# Outside of quotes each of these makes a shell do more than start one program.
STRUCTURE = frozenset(";|&<>$`(){}*?[]!#\\\n\r\t\v\f")


class Refused(ValueError):
    """Why a command line is no action; the text never repeats a value."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """An action that was recognised. `missing` is what the service has to tell."""

    action: str
    input: Mapping[str, Json]
    context: Mapping[str, str]
    missing: tuple[str, ...] = ()

    def document(self) -> dict[str, Json]:
        """As it is printed."""
        document: dict[str, Json] = {
            "ok": True,
            "action": self.action,
            "input": dict(self.input),
            "context": dict(self.context),
        }
        return {**document, "missing": list(self.missing)} if self.missing else document


class Parser:
    """Knows what may be typed for every action of some tools."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._forms = forms(tools)

    @property
    def programs(self) -> list[str]:
        """The programs whose command lines are known."""
        return sorted(self._forms)

    def line(self, text: str, given: ContextRef) -> Parsed:
        """Read a line as a shell would, if it only starts one program. Raises `Refused`."""
        return self.argv(words(text), given)

    def argv(self, argv: Sequence[str], given: ContextRef) -> Parsed:
        """Recognise an argument vector.

        Args:
            argv: the program and its arguments.
            given: where it is to act; a flag that says something else is refused.

        Raises:
            Refused: it is no action, or one with a value that its field refuses.
        """
        _refuse_characters(argv)
        program, *arguments = argv
        known = self._forms.get(program)
        if known is None:
            raise Refused(f"this program is not known; there are {', '.join(self.programs)}")
        typed = frozenset(arguments)
        why = Refused(f"{program} has no action with these words")
        for form in known:
            if not form.verbs <= typed:
                continue
            try:
                return _Reading(form, given).parsed(arguments)
            except _OtherWords:
                continue
            except Refused as error:
                why = error
        raise why


class _OtherWords(Exception):
    """The words are those of another form."""


@dataclass(slots=True)
class _Reading:
    """One attempt to read the arguments as one form."""

    form: Form
    given: ContextRef
    values: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def parsed(self, arguments: Sequence[str]) -> Parsed:
        said = self._words(self._without_flags(arguments))
        for name, value in said:
            if name != LOCAL:
                self._take(name, value)
            elif not FOLDER.fullmatch(value) or ".." in value:
                raise Refused("the folder is not one that can be meant")
        checked = {name: self._checked(name, value) for name, value in self.values.items()}
        context: dict[str, str] = {
            self.form.spec(name).context: str(value)
            for name, value in checked.items()
            if self.form.spec(name).context
        }
        given = {name: value for name, value in checked.items() if self.form.spec(name).offered}
        return Parsed(self.form.id, given, context, self._missing())

    def _without_flags(self, arguments: Sequence[str]) -> list[str]:
        """Take the flags; what is left are words."""
        left: list[str] = []
        rest = list(arguments)
        while rest:
            argument = rest.pop(0)
            if argument == "--":
                return [*left, *rest]
            if not argument.startswith("-") or argument == "-":
                left.append(argument)
                continue
            name, equals, value = argument.partition("=")
            if NUMBER.fullmatch(argument):
                name, equals, value = "-number", "=", argument[1:]
            self._flag(name, value if equals else None, rest)
        return left

    def _flag(self, name: str, value: str | None, rest: list[str]) -> None:
        flag = self.form.flags.get(name)
        if flag is None:
            raise Refused(f"{self.form.id} takes no flag {_shown(name)}")
        if name in self.seen:
            raise Refused(f"the flag {name} is there twice")
        self.seen.add(name)
        value = _value(name, flag, value, rest)
        if flag.field:
            self._take(flag.field, value)
        elif not flag.bare and not flag.matches(value):
            raise Refused(f"the value of {name} is not one that is allowed here")

    def _words(self, typed: Sequence[str]) -> list[tuple[str, str]]:
        """The fields that the words fill."""
        if len(typed) != len(self.form.words):
            raise _OtherWords
        found: list[tuple[str, str]] = []
        for pattern, word in zip(self.form.words, typed, strict=True):
            match = pattern.fullmatch(word)
            if match is None:
                raise _OtherWords
            found += match.groupdict().items()
        return found

    def _take(self, name: str, value: str) -> None:
        if name in self.values:
            raise Refused(f"{name} is said twice")
        self.values[name] = value

    def _checked(self, name: str, value: str) -> str | int:
        spec = self.form.spec(name)
        try:
            checked = check(spec, value)
        except WrongValue as error:
            raise Refused(f"{name} {error}") from None
        if value.startswith("-") or "{" in value:
            raise Refused(f"{name} begins with a dash or holds a placeholder")
        _refuse_unsaid(name, spec, value)
        if spec.context:
            self._agree(spec.context, str(checked))
        return checked

    def _agree(self, name: str, value: str) -> None:
        wanted = getattr(self.given, name)
        if wanted and wanted != value:
            raise Refused(f"the {name} is not the one where this is to act")
        if not wanted and name not in SAID:
            raise Refused(f"a {name} can't be said here: it comes from where the plan acts")

    def _missing(self) -> tuple[str, ...]:
        """What the service tells; anything else that is missing is an error."""
        absent = {
            name: spec
            for name, spec in self.form.action.input.items()
            if spec.offered and not spec.optional and name not in self.values
        }
        wrong = [name for name, spec in absent.items() if spec.type not in TOLD and not spec.pinned]
        if wrong:
            raise Refused(f"{', '.join(wrong)} is missing")
        return tuple(absent)


def _refuse_unsaid(name: str, spec: Field, value: str) -> None:
    """What a plan may hold, because somebody looked it up, and a command line may not."""
    if spec.type == "remote" and not PUBLIC.match(value):
        raise Refused(f"{name} is no repository of a named host")
    if spec.type == "chart" and "://" in value:
        raise Refused(f"{name} names a registry: that comes from the service")
    if spec.type == "image" and value.endswith(":latest"):
        raise Refused(f"{name} has no fixed version")
    if spec.typed_min is not None and int(value) < spec.typed_min:
        raise Refused(f"{name} has to be at least {spec.typed_min} in a command")


def _value(name: str, flag: Flag, value: str | None, rest: list[str]) -> str:
    """What a flag says; a value may be the next word."""
    if flag.bare:
        if value not in (None, "true"):
            raise Refused(f"the flag {name} takes no value")
        return "yes"
    if value is None and not flag.joined:
        if not rest or rest[0].startswith("-"):
            raise Refused(f"the flag {name} wants a value")
        return rest.pop(0)
    return value or ""


def words(text: str) -> list[str]:
    """The words of a line that starts one program and does nothing else.

    Raises:
        Refused: it needs a shell, or a quote is not closed.
    """
    found: list[str] = []
    word: list[str] | None = None
    quote = ""
    for letter in text.strip(" "):
        if quote:
            _refuse_in_quotes(letter, quote)
            quote, kept = ("", "") if letter == quote else (quote, letter)
            word = [*(word or []), kept]
        elif letter in "'\"":
            quote, word = letter, word or []
        elif letter == " ":
            found += ["".join(word)] if word is not None else []
            word = None
        elif letter in STRUCTURE or (letter == "~" and (not word or word[-1] in "=:")):
            raise Refused(f"it needs a shell ({letter!r}); only one plain command is possible")
        else:
            word = [*(word or []), letter]
    if quote:
        raise Refused("a quote is not closed")
    return [*found, *(["".join(word)] if word is not None else [])]


def _refuse_in_quotes(letter: str, quote: str) -> None:
    if letter in "\n\r" or (quote == '"' and letter in "$`\\!"):
        raise Refused(f"it needs a shell ({letter!r} in quotes)")


def _refuse_characters(argv: Sequence[str]) -> None:
    if not argv or len(argv) > MOST:
        raise Refused(f"a command has 1 to {MOST} words")
    for argument in argv:
        if len(argument) > LONGEST:
            raise Refused(f"a word is longer than {LONGEST} characters")
        if not argument.isascii() or not argument.isprintable():
            raise Refused("a word holds a character that is not plain ASCII")


def _shown(name: str) -> str:
    """A flag in a sentence; a long one is cut."""
    return name if len(name) <= 40 else f"{name[:40]}…"
