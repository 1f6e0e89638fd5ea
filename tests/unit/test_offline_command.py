"""`carapulse plan draft`, as a program and a person call it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot.cli.draft import draft
from engine.errors import ConfigurationError

HERE = Path(__file__).parent
OURS = HERE / "utterances_services.yaml"
EXAMPLE = HERE.parents[2] / "shared" / "data" / "services.example.yaml"


def test_a_program_gets_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    draft("deploy booking 5.4.0 to staging", services=OURS, json=True)

    answer = json.loads(capsys.readouterr().out)
    assert (answer["kind"], answer["reason"]) == ("plan", "")
    read, write, check = answer["steps"]
    assert [one["effect"] for one in (read, write, check)] == ["read", "write", "read"]
    assert (write["tool"], write["action"]) == ("git", "set_value")
    assert write["rollback"]["action"] == "undo_commit"
    assert check["expectation"]["output"] == "complete"
    assert answer["context"]["namespace"] == "tickets"


def test_a_person_gets_lines(capsys: pytest.CaptureFixture[str]) -> None:
    draft("restart booking", services=OURS)

    told = capsys.readouterr().out.splitlines()
    assert told[0] == "ask: I understood: restart booking."
    assert told[-3:] == ["  [prod]", "  [staging]", "  [dev]"]


def test_what_is_spoken_about_can_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    draft("restart it", services=OURS, environment="dev", service="seatmap", json=True)

    assert json.loads(capsys.readouterr().out)["context"]["service"] == "seatmap"


@pytest.mark.parametrize("text", ["", "  \n", "x" * 4001])
def test_nothing_and_too_much_are_errors(text: str) -> None:
    with pytest.raises(ConfigurationError):
        draft(text, services=OURS)


def test_a_file_that_is_wrong_or_missing_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("services: [{name: web, colour: red}]")

    with pytest.raises(ConfigurationError, match=r"wrong\.yaml"):
        draft("restart web", services=wrong)
    with pytest.raises(ConfigurationError, match=r"none\.yaml"):
        draft("restart web", services=tmp_path / "none.yaml")


def test_without_a_services_file_it_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARAPULSE_CONTEXT__SERVICES_FILE", raising=False)

    with pytest.raises(ConfigurationError, match="give --services FILE, or set CARAPULSE_CONTEXT"):
        draft("restart cart in staging")


def test_the_example_of_the_readme_becomes_a_plan(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = HERE.parents[1]
    readme = (root / "README.md").read_text(encoding="utf-8")
    found = re.search(r'`carapulse plan draft "([^"]+)" --services (\S+)`', readme)
    assert found
    monkeypatch.chdir(root)

    draft(found[1], services=Path(found[2]))

    assert capsys.readouterr().out.startswith("plan: ")


def test_a_repository_without_an_address_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    if not EXAMPLE.is_file():
        pytest.skip("the shared data is not beside this checkout")

    draft("roll back checkout in staging", services=EXAMPLE, json=True)

    answer = json.loads(capsys.readouterr().out)
    assert answer["kind"] == "plan"
    assert answer["missing"] == ["gitops.remote of checkout"]


DEMO = HERE.parents[1] / "bot" / "local" / "demo"


def drafted(
    text: str, capsys: pytest.CaptureFixture[str], tools: Path | None = DEMO / "tools"
) -> dict[str, Any]:
    """With the demo's playbooks."""
    known = DEMO / "services.yaml"
    draft(text, services=known, playbooks=DEMO / "playbooks", tools=tools, json=True)
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_a_playbook_that_takes_the_request_is_preferred(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = drafted("roll back checkout in prod", capsys)
    other = drafted("roll back payments in prod", capsys)

    assert (answer["kind"], answer["playbook"]) == ("plan", "roll back a config change")
    look, write, follows, check = answer["steps"]
    assert (look["tool"], look["action"]) == ("git", "log")
    assert write["input"]["commit"] == "{steps.1.last_commit}"
    assert write["input"]["expected_head"] == "{steps.1.head}"
    assert follows["expectation"]["value"] == "{steps.2.commit}"
    assert follows["title"].endswith("the commit of step 2")
    assert check["expectation"]["output"] == "error_rate"
    assert "playbook" not in other  # payments has no health tool, which the playbook needs


def test_what_a_playbook_lacks_is_asked_for_or_told(capsys: pytest.CaptureFixture[str]) -> None:
    asked = drafted("set pool_size on checkout", capsys)
    refused = drafted("roll back checkout in prod", capsys, tools=None)

    assert (asked["kind"], asked["reason"]) == ("ask", "To what shall I set pool_size?")
    assert refused["kind"] == "refuse"
    assert "needs shop.health, and there is no such tool" in refused["reason"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no folder"):
        draft("restart booking", services=OURS, playbooks=tmp_path / "none")
