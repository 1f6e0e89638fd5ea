"""Exceptions from the rules say why, and catching everything stays rare."""

import ast
import re

from tests.repo.repository import PRODUCT, nodes, python

BROAD = {"Exception", "BaseException"}
MAY_CATCH_EVERYTHING = {"bot/slack/answered.py", "bot/http/errors.py"}
NOQA = re.compile(r"#\s*noqa\b(?!: [A-Z]+\d+)")
IGNORE = re.compile(r"#\s*type: ignore(?!\[[\w-]+(, ?[\w-]+)*\])")


def test_every_silenced_rule_is_named() -> None:
    silent = [
        f"{path}:{number}"
        for path, text in python(*PRODUCT, "tests")
        for number, line in enumerate(text.splitlines(), 1)
        if (NOQA.search(line) or IGNORE.search(line)) and "re.compile" not in line
    ]

    assert silent == []


def test_only_the_two_borders_catch_everything() -> None:
    catching = {str(path) for path, text in python(*PRODUCT) if any(map(is_broad, nodes(text)))}

    assert catching <= MAY_CATCH_EVERYTHING


def is_broad(node: ast.AST) -> bool:
    """Tell whether a node is an except clause for everything."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    if node.type is None:
        return True
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(isinstance(name, ast.Name) and name.id in BROAD for name in caught)


def test_a_broad_except_is_recognised() -> None:
    clauses = ["except:", "except Exception:", "except (OSError, BaseException) as error:"]
    narrow = ["except OSError:", "except (OSError, ValueError):"]

    seen = [
        any(map(is_broad, nodes(f"try:\n    pass\n{clause}\n    pass\n")))
        for clause in clauses + narrow
    ]

    assert seen == [True, True, True, False, False]
