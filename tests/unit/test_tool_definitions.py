"""A wrong definition is refused with its file, the place and what to do."""

from pathlib import Path

import pytest

from engine.domain.call import Effect
from engine.errors import ConfigurationError
from engine.tools.loading import CATALOG, faults, load_tool, load_tools

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
    folder.mkdir(exist_ok=True)
    path = folder / "echo.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_definitions_are_right() -> None:
    names = {tool.tool for tool in load_tools(CATALOG, DEMO)}

    assert names == {
        *("aws", "vault", "kubectl", "helm", "boundary", "argocd", "git", "prometheus"),
        *("alertmanager", "thanos", "grafana", "tempo", "github", "gitlab", "linear"),
        *("pagerduty", "psql", "shop"),
    }


def test_every_write_has_a_preview_or_is_what_undoes_another() -> None:
    bare = [
        f"{tool.tool}.{name}"
        for tool in load_tools(CATALOG)
        for name, action in tool.actions.items()
        if action.effect is not Effect.READ
        and not (action.preview or action.probe or name.startswith("delete_"))
    ]

    assert bare == [
        "github.comment",
        "gitlab.comment",
        "linear.comment",
        "linear.create_issue",
        "vault.rotate_root",
    ]


def test_every_fault_of_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("[echo,", "[sh,").replace("effect: read", "effect: reed"))
    other = write(tmp_path / "other", GOOD.replace('"{word}"]', '"{other}"]'))

    wrong = faults(path)
    named = faults(other)

    assert [(one.line, one.place) for one in wrong] == [(8, "actions.say.effect")]
    assert [(one.line, one.place) for one in named] == [(12, "actions.say.commands[1]")]
    assert faults(write(tmp_path, GOOD)) == []


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
