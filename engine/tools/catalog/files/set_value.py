# ruff: noqa: INP001
"""Set one key of a YAML or JSON settings file; comments, order and quotes stay as they are.

Usage: set_value.py ROOT PATH KEY VALUE. Prints the old and the new value as one line of JSON.
Ends with code 3 and a sentence when it can't be done without doubt; nothing is written then.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence

NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
WORD = re.compile(r"[A-Za-z](?:[A-Za-z0-9 ._/-]*[A-Za-z0-9._/-])?")
# Words that YAML reads as something else than text.
MEANING = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
KEY = r"""("[^"\\]*"|'[^']*'|[A-Za-z0-9_][^\s:#'"{}\[\],&*!|>%@`]*)"""
ENTRY = re.compile(rf"( *){KEY} *:(?:( +)(.*))?")
BLOCK_TEXT = re.compile(r"[|>][0-9+-]{0,2}\s*(?:#.*)?")
VALUE = re.compile(
    r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#&*!|>{}\[\],'"%@`](?:[^#]|(?<=\S)#)*"""
)

Change = tuple[str, str, str]


class Refused(Exception):
    """Why the file is left as it is."""


def main(arguments: Sequence[str]) -> int:
    """Change the file; return the exit code."""
    try:
        old, new = set_value(*arguments)
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return 3
    except (OSError, TypeError, ValueError, RecursionError) as error:
        sys.stderr.write(f"the file can't be changed ({type(error).__name__})\n")
        return 3
    sys.stdout.write(json.dumps({"old": old, "new": new}) + "\n")
    return 0


def set_value(root: str, path: str, key: str, value: str) -> tuple[str, str]:
    """Write the value; return the old one and the new one."""
    place = inside(root, path)
    with open(place, encoding="utf-8", newline="") as file:
        text = file.read()
    change = change_json if path.endswith(".json") else change_yaml
    changed, old, new = change(text, key.split("."), value)
    if changed == text:
        raise Refused(f"{key} is {old} in {path} already")
    with open(place, "w", encoding="utf-8", newline="") as file:
        file.write(changed)
    return old, new


def inside(root: str, path: str) -> str:
    """The file's place, which has to be in the folder without any link on the way."""
    if not path.endswith((".yaml", ".yml", ".json")):
        raise Refused(f"{path} is neither YAML nor JSON")
    wanted = os.path.join(os.path.realpath(root), os.path.normpath(path))
    if os.path.realpath(wanted) != wanted:
        raise Refused(f"{path} is a link")
    if not os.path.isfile(wanted):
        raise Refused(f"{path} is not there")
    return wanted


def change_yaml(text: str, keys: Sequence[str], value: str) -> Change:
    """(changed text, old value, new value), by the one line that holds the key."""
    lines = text.splitlines(keepends=True)
    name = ".".join(keys)
    found = [number for number, trail in trails(lines) if trail == keys]
    if not found:
        raise Refused(f"there is no key {name}")
    if len(found) > 1:
        raise Refused(f"{name} is there {len(found)} times")
    line = lines[found[0]]
    start, old = scalar(line, name)
    new = written(old, value, name)
    lines[found[0]] = line[:start] + new + line[start + len(old) :]
    return "".join(lines), bare(old), bare(new)


def trails(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """(line number, keys from the top) of every entry of a block mapping."""
    above: list[tuple[int, str]] = []
    for number, line in content(lines):
        indent = len(line) - len(line.lstrip(" "))
        above = [one for one in above if one[0] < indent]
        if line.lstrip().startswith(("- ", "-\n", "-\r")) or line.strip() == "-":
            # What is in a list has no name of its own and can't be reached.
            above.append((indent, "-"))
        elif entry := ENTRY.fullmatch(line.rstrip("\r\n")):
            above.append((indent, entry[2].strip("\"'")))
            yield number, [key for _, key in above]


def content(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The lines that are neither empty, nor comments, nor inside a block of text."""
    text_at: int | None = None
    begun = False
    for number, line in enumerate(lines):
        body = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        if not body or body.startswith("#") or (text_at is not None and indent > text_at):
            continue
        if body == "---" and begun:
            raise Refused("the file holds more than one document")
        begun = begun or body != "---"
        entry = ENTRY.fullmatch(line.rstrip("\r\n"))
        text_at = indent if entry and BLOCK_TEXT.fullmatch(entry[4] or "") else None
        yield number, line


def scalar(line: str, name: str) -> tuple[int, str]:
    """Where the value of an entry's line starts, and the value as it is written."""
    entry = ENTRY.fullmatch(line.rstrip("\r\n"))
    value = VALUE.match(entry[4]) if entry and entry[4] else None
    if entry is None or value is None:
        raise Refused(f"{name} holds no single value")
    old = value[0].rstrip()
    after = entry[4][len(old) :].strip()
    if after and not after.startswith("#"):
        raise Refused(f"{name} holds no single value")
    return entry.start(4), old


def written(old: str, value: str, name: str) -> str:
    """The new value as it stands in the file, of the kind and in the manner of the old one."""
    if old[0] == '"':
        return json.dumps(value, ensure_ascii=False)
    if old[0] == "'":
        return "'" + value.replace("'", "''") + "'"
    if NUMBER.fullmatch(old) and not NUMBER.fullmatch(value):
        raise Refused(f"{name} is a number, {old}; {value} is none")
    if old in ("true", "false") and value not in ("true", "false"):
        raise Refused(f"{name} is true or false; {value} is neither")
    if NUMBER.fullmatch(value) or value in ("true", "false"):
        return value
    plain = WORD.fullmatch(value) and value.lower() not in MEANING
    return value if plain else json.dumps(value, ensure_ascii=False)


def bare(text: str) -> str:
    """A value without its quotes, for people."""
    return text[1:-1] if text[0] in "\"'" else text


def change_json(text: str, keys: Sequence[str], value: str) -> Change:
    """(changed text, old value, new value), by the place of the value in the text."""
    name = ".".join(keys)
    start, end = member(text, skip(text, 0), keys, name)
    old = text[start:end]
    if old[0] in "{[":
        raise Refused(f"{name} holds no single value")
    new = written(old, value, name)
    if not (NUMBER.fullmatch(new) or new in ("true", "false") or new[0] == '"'):
        new = json.dumps(new, ensure_ascii=False)
    changed = text[:start] + new + text[end:]
    json.loads(changed)
    return changed, bare(old), bare(new)


def member(text: str, at: int, keys: Sequence[str], name: str) -> tuple[int, int]:
    """Where the value of the first key starts and ends; deeper for the keys that follow."""
    found = [span for key, span in members(text, at) if key == keys[0]]
    if not found:
        raise Refused(f"there is no key {name}")
    if len(found) > 1:
        raise Refused(f"{name} is there {len(found)} times")
    return found[0] if len(keys) == 1 else member(text, found[0][0], keys[1:], name)


def members(text: str, at: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """(key, where its value is) of the object that starts here; nothing of any other value."""
    decoder = json.JSONDecoder()
    if text[at : at + 1] != "{":
        return
    at = skip(text, at + 1)
    while text[at : at + 1] == '"':
        key, at = decoder.raw_decode(text, at)
        start = skip(text, skip(text, at) + 1)
        _, end = decoder.raw_decode(text, start)
        yield key, (start, end)
        at = skip(text, end)
        if text[at : at + 1] == ",":
            at = skip(text, at + 1)


def skip(text: str, at: int) -> int:
    """The next place that is no white space."""
    while text[at : at + 1].isspace():
        at += 1
    return at


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
