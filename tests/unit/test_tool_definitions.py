"""A wrong definition is refused with its file, the place and what to do."""

from pathlib import Path

import pytest

from engine.errors import ConfigurationError
from engine.tools.loading import CATALOG, load_tool, load_tools

DEMO = Path(__file__).parents[2] / "bot" / "local" / "demo" / "tools"
GOOD = """
tool: echo
title: Echo
transport: cli
actions:
  say:
    title: "Say {word}"
    effect: read
    input:
      word: {type: word}
    commands:
      - argv: [echo, "{word}"]
    outputs:
      said: {}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "echo.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_definitions_are_right() -> None:
    names = {tool.tool for tool in load_tools(CATALOG, DEMO)}

    assert names >= {"git", "kubectl", "helm", "argocd", "vault", "prometheus", "shop"}


def test_a_definition_of_a_few_lines_is_enough(tmp_path: Path) -> None:
    tool = load_tool(write(tmp_path, GOOD))

    assert tool.from_body(tool.body) == tool
    assert len(tool.digest) == 64


@pytest.mark.parametrize(
    ("good", "wrong", "said"),
    [
        ("transport: cli", "transport: shell", "transport: Input should be 'cli' or 'api'"),
        ("    effect: read", "    effekt: read", "actions.say.effect: Field required"),
        ('[echo, "{word}"]', '[sh, -c, "{word}"]', "can't be the program"),
        ('[echo, "{word}"]', '["{word}"]', "can't be the program"),
        ('[echo, "{word}"]', '[/bin/echo, "{word}"]', "can't be the program"),
        ('[echo, "{word}"]', '[echo, "{other}"]', "{other} is no input field"),
        ('[echo, "{word}"]', '[echo, "{word.short}"]', "without a view"),
        ('[echo, "{word}"]', '[python3, -c, "{word}"]', "only a file of this definition"),
        ("{type: word}", "{type: promql}", "may begin with a dash"),
        ("{type: word}", "{type: switch}", "a switch needs a `flag`"),
        ("{type: word}", "{type: choice, choices: [a], aliases: {b: c}}", "aliases name c"),
        ("{type: word}", "{type: choice}", "a choice needs `choices`"),
        ("said: {}", "said: {command: 2}", "there is no command 2"),
        ("said: {}", 'said: {pattern: "("}', "is no RE2 expression"),
        ("title: Echo", "title: Echo\ntitle: Two", "the key 'title' is there twice"),
        ("title: Echo", "title: [", "no YAML"),
        ("title: Echo", "title: Echo\nfiles: [none.py]", "can't be read"),
    ],
)
def test_a_wrong_definition_says_where_and_why(
    tmp_path: Path, good: str, wrong: str, said: str
) -> None:
    path = write(tmp_path, GOOD.replace(good, wrong))

    with pytest.raises(ConfigurationError) as refused:
        load_tool(path)

    assert "echo.yaml" in str(refused.value) or "none.py" in str(refused.value)
    assert said in str(refused.value)


def test_a_tool_can_not_be_defined_twice(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("tool: echo", "tool: git"))

    with pytest.raises(ConfigurationError, match="Give yours another name"):
        load_tools(CATALOG, tmp_path)


def test_the_digest_covers_helper_files(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    helper = tmp_path / "files" / "one.py"
    path = write(tmp_path, GOOD + "files: [one.py]\n")
    helper.write_text("print(1)")
    before = load_tool(path).digest
    helper.write_text("print(2)")

    assert load_tool(path).digest != before
