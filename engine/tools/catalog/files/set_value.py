"""Set one key of a YAML or JSON settings file; comments, order and quotes stay as they are.

Usage: set_value.py ROOT PATH KEY VALUE. Prints the old and the new value as one line of JSON.
Ends with code 3 and a sentence when it can't be done without doubt; nothing is written then.
"""

import json
import os
import re
import sys

NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?")
CONSTANT = {"true", "false", "null"}
WORD = re.compile(r"[A-Za-z][A-Za-z0-9 ._/-]*")
# A word that YAML reads as something else than text.
MEANING = {"yes", "no", "on", "off", "true", "false", "null", "y", "n", "~"}
ENTRY = re.compile(r"""( *)("[^"\\]*"|'[^']*'|[A-Za-z0-9_][^\s:#'"{}\[\],&*!|>%@`]*) *:(?= |$)(.*)""")


class Refused(Exception):
    """Why the file is left as it is."""


def main(arguments):
    """Change the file; return the exit code."""
    try:
        root, path, key, value = arguments
        place = inside(root, path)
        with open(place, encoding="utf-8", newline="") as file:
            text = file.read()
        change = change_json if path.endswith(".json") else change_yaml
        changed, old, new = change(text, key.split("."), value)
        if changed == text:
            raise Refused(f"{key} is {old} in {path} already")
        with open(place, "w", encoding="utf-8", newline="") as file:
            file.write(changed)
    except Refused as error:
        print(error, file=sys.stderr)
        return 3
    except (OSError, UnicodeDecodeError, ValueError) as error:
        print(f"{type(error).__name__}: the file can't be changed", file=sys.stderr)
        return 3
    print(json.dumps({"old": old, "new": new}))
    return 0


def inside(root, path):
    """The file's real place, which has to be in the folder."""
    if not path.endswith((".yaml", ".yml", ".json")):
        raise Refused(f"{path} is neither YAML nor JSON")
    place = os.path.join(root, path)
    folder = os.path.realpath(root)
    if os.path.realpath(place) != os.path.join(folder, os.path.normpath(path)):
        raise Refused(f"{path} is a link")
    if not os.path.isfile(place):
        raise Refused(f"{path} is not there")
    return place


def change_yaml(text, keys, value):
    """(changed text, old value, new value), by the line that holds the key."""
    lines = text.splitlines(keepends=True)
    found = [index for index, trail in trails(lines) if trail == keys]
    name = ".".join(keys)
    if not found:
        raise Refused(f"there is no key {name}")
    if len(found) > 1:
        raise Refused(f"{name} is there {len(found)} times")
    line = lines[found[0]]
    start, old, rest = scalar(line, name)
    new = written(old, value, name)
    lines[found[0]] = line[:start] + new + rest
    return "".join(lines), bare(old), bare(new)


def trails(lines):
    """(line number, keys from the top) of every block mapping entry."""
    open_keys, text_above = [], None
    for index, line in enumerate(lines):
        indent = len(line) - len(line.lstrip(" "))
        body = line.strip()
        if not body or body.startswith("#"):
            continue
        if text_above is not None and indent > text_above:
            continue
        text_above = None
        if body in ("---", "..."):
            if body == "---" and open_keys == [] and index == 0:
                continue
            if body == "---" and not any(one.strip() and not one.lstrip().startswith("#")
                                         for one in lines[:index]):
                continue
            raise Refused("the file holds more than one document")
        if body.startswith("- ") or body == "-":
            # Keys in a list have no name of their own: they and what is below are not reachable.
            open_keys = [one for one in open_keys if one[0] < indent]
            open_keys.append((indent, None))
            continue
        entry = ENTRY.fullmatch(line.rstrip("\r\n"))
        if entry is None:
            continue
        open_keys = [one for one in open_keys if one[0] < indent]
        open_keys.append((indent, entry[2].strip("\"'")))
        if re.match(r"\s*[|>][+-]?[0-9]?[+-]?\s*(#.*)?$", entry[3]):
            text_above = indent
        yield index, [key for _, key in open_keys]


def scalar(line, name):
    """(where the value starts, the value, what follows it) of an entry's line."""
    entry = ENTRY.match(line)
    start = entry.start(3) + len(entry[3]) - len(entry[3].lstrip())
    rest = line[start:]
    quoted = re.match(r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^']|'')*'", rest)
    plain = re.match(r"[^\s#&*!|>{}\[\],'\"%@`](?:[^\r\n#]|(?<=\S)#)*", rest)
    match = quoted or plain
    if match is None:
        raise Refused(f"{name} holds no single value")
    old = match[0].rstrip()
    after = rest[len(old):]
    if after.strip() and not after.lstrip().startswith("#"):
        raise Refused(f"{name} holds no single value")
    return start, old, after


def written(old, value, name):
    """The new value as it stands in the file, in the manner of the old one."""
    if old[:1] == '"':
        return json.dumps(value, ensure_ascii=False)
    if old[:1] == "'":
        return "'" + value.replace("'", "''") + "'"
    if NUMBER.fullmatch(old) and not NUMBER.fullmatch(value):
        raise Refused(f"{name} is a number, {old}; {value} is none")
    if old in ("true", "false") and value not in ("true", "false"):
        raise Refused(f"{name} is true or false; {value} is neither")
    plain = NUMBER.fullmatch(value) or value in ("true", "false")
    word = WORD.fullmatch(value) and value.lower() not in MEANING and value == value.strip()
    return value if plain or word else json.dumps(value, ensure_ascii=False)


def bare(text):
    """A value without its quotes, for people."""
    return text[1:-1] if text[:1] in "\"'" and len(text) > 1 else text


def change_json(text, keys, value):
    """(changed text, old value, new value), by the place of the value in the text."""
    start, end = member(text, skip(text, 0), keys, ".".join(keys))
    old = text[start:end]
    if old[:1] == '"':
        new = json.dumps(value, ensure_ascii=False)
    elif old[:1] in "{[":
        raise Refused(f"{'.'.join(keys)} holds no single value")
    else:
        new = written(old, value, ".".join(keys))
        new = new if NUMBER.fullmatch(new) or new in CONSTANT or new[:1] == '"' else json.dumps(new)
    changed = text[:start] + new + text[end:]
    json.loads(changed)
    return changed, bare(old), bare(new)


def member(text, at, keys, name):
    """Where the value of the first key starts and ends; deeper for the keys that follow."""
    if text[at : at + 1] != "{":
        raise Refused(f"there is no key {name}")
    found, decoder = [], json.JSONDecoder()
    at = skip(text, at + 1)
    while text[at : at + 1] == '"':
        key, at = decoder.raw_decode(text, at)
        start = skip(text, skip(text, at) + 1)
        _, end = decoder.raw_decode(text, start)
        if key == keys[0]:
            found.append((start, end))
        at = skip(text, end)
        if text[at : at + 1] == ",":
            at = skip(text, at + 1)
    if not found:
        raise Refused(f"there is no key {name}")
    if len(found) > 1:
        raise Refused(f"{name} is there {len(found)} times")
    return found[0] if len(keys) == 1 else member(text, found[0][0], keys[1:], name)


def skip(text, at):
    """The next place that is no white space."""
    while text[at : at + 1].isspace():
        at += 1
    return at


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
