"""The helper that writes one key changes that value and nothing else, or nothing at all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.tools.loading import CATALOG

HELPER = CATALOG / "files" / "set_value.py"
YAML = """\
# top
pool: {size: 3}
db:
  pool_size: 10   # connections
  name: 'orders'
  hosts:
    - pool_size: 1
  text: |
    pool_size: 99
enabled: true
"""


def run(folder: Path, text: str, key: str, value: str, name: str = "a.yaml") -> tuple[int, str]:
    (folder / name).write_text(text)
    command = [sys.executable, "-I", "-S", str(HELPER), str(folder), name, key, value]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, (done.stdout or done.stderr).strip()


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("db.pool_size", "20", "  pool_size: 20   # connections"),
        ("db.name", "it's", "  name: 'it''s'"),
        ("enabled", "false", "enabled: false"),
    ],
)
def test_one_line_changes(tmp_path: Path, key: str, value: str, line: str) -> None:
    code, _ = run(tmp_path, YAML, key, value)

    changed = (tmp_path / "a.yaml").read_text().splitlines()
    differing = [new for old, new in zip(YAML.splitlines(), changed, strict=True) if old != new]
    assert code == 0
    assert differing == [line]


@pytest.mark.parametrize(
    ("text", "key", "value", "said"),
    [
        (YAML, "pool_size", "20", "there is no key pool_size"),
        (YAML, "pool", "20", "pool holds no single value"),
        (YAML, "db", "20", "db holds no single value"),
        (YAML, "db.pool_size", "many", "db.pool_size is a number, 10; many is none"),
        (YAML, "db.pool_size", "10", "db.pool_size is 10 in a.yaml already"),
        ("a: 1\na: 2\n", "a", "3", "a is there 2 times"),
        ("a: 1\n---\na: 2\n", "a", "3", "the file holds more than one document"),
        ("a: &x 1\n", "a", "3", "a holds no single value"),
    ],
)
def test_what_is_not_clear_is_left_alone(
    tmp_path: Path, text: str, key: str, value: str, said: str
) -> None:
    code, answer = run(tmp_path, text, key, value)

    assert (code, answer) == (3, said)
    assert (tmp_path / "a.yaml").read_text() == text


def test_json_keeps_its_order_and_spaces(tmp_path: Path) -> None:
    text = '{ "b": {"size":  10, "name": "x"},\n "a": [1, 2] }\n'

    code, answer = run(tmp_path, text, "b.size", "20", "a.json")

    assert code == 0
    assert json.loads(answer) == {"old": "10", "new": "20"}
    assert (tmp_path / "a.json").read_text() == text.replace("10", "20")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("a: 1\n")
    inside = tmp_path / "repo"
    inside.mkdir()
    (inside / "link.yaml").symlink_to(outside)
    command = [sys.executable, "-I", "-S", str(HELPER), str(inside), "link.yaml", "a", "2"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert done.returncode == 3
    assert outside.read_text() == "a: 1\n"
