"""No secret passes, whatever form it has, and ordinary output stays readable."""

import base64
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigurationError
from engine.tools.redaction import MASK, WITHHELD, OwnRules, Redactor
from engine.tools.redaction.commands import shape_of, strictest
from tests.unit.growth import MOST, growth

KNOWN = "kn0wn/S3cret+value=="
LETTERS = "a1B2c3D4" * 5


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor([KNOWN])


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key AKIA" + "QYLPMN5HFIQR7XYA", "QYLPMN5HFIQR7XYA"),
        ("pushed with ghp_" + LETTERS[:36], LETTERS[:36]),
        ("clone glpat-" + LETTERS[:20], LETTERS[:20]),
        ("SLACK=xoxb-" + "1234567890-" + LETTERS[:12], LETTERS[:12]),
        ("Authorization: Bearer " + LETTERS[:30], LETTERS[:30]),
        ("curl -H 'Authorization: Basic dXNlcjpwYXNz'", "dXNlcjpwYXNz"),
        ("postgres://app:s3cr3tpw@db:5432/x", "s3cr3tpw"),
        ('{"db_password": "correct horse battery"}', "correct horse battery"),
        ("DB_PASSWORD=tr0ub4dor", "tr0ub4dor"),
        ("token:   95eb0a7716c4", "95eb0a7716c4"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh", "eyJzdWIiOiIxMjM0In0"),
    ],
)
def test_a_secret_is_masked_and_the_rest_stays(redactor: Redactor, text: str, secret: str) -> None:
    clean = redactor.text(f"before {text} after")

    assert secret not in clean
    assert MASK in clean
    assert clean.startswith("before ")


@pytest.mark.parametrize(
    "text",
    [
        "9f3c1e2a0b4d5c6e7f8091a2b3c4d5e6f7a8b9c0\tDana Reyes\traise pool size",
        "web-7d9f8b6c5-x2x4z   1/1   Running   0   3d",
        "sha256:3f786850e387550fdab836ed7e6dc881de23001b9a3fd5c4dcd7c1f2bd1b3a77",
        "arn:aws:iam::123456789012:role/deployer",
        "error rate 0.4 % for 60 s (limit 5 %)",
        "# connections to the order database, for each instance",
        "pool_size: 20",
    ],
)
def test_ordinary_output_is_left_alone(redactor: Redactor, text: str) -> None:
    assert redactor.text(text) == text


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_a_known_value_is_masked_in_every_form(redactor: Redactor, before: str) -> None:
    encoded = base64.b64encode(f"{before}{KNOWN}tail".encode()).decode()
    forms = [KNOWN, quote(KNOWN, safe=""), KNOWN.encode().hex(), encoded]

    cleaned = [redactor.text(f"said {form} end") for form in forms]

    assert [MASK in text for text in cleaned] == [True] * 4
    assert KNOWN not in "".join(cleaned)


def test_a_private_key_is_masked_across_lines_and_what_follows_is_not(
    redactor: Redactor,
) -> None:
    kind = "RSA PRIVATE KEY"
    lines = ["start", f"-----BEGIN {kind}-----", "MIIEpAIBAAKCAQEA", "Zm9vYmFy=="]
    stream = redactor.stream()

    clean = [stream.line(line) for line in [*lines, f"-----END {kind}-----", "pods are fine"]]

    assert clean == ["start", MASK, MASK, MASK, MASK, "pods are fine"]


def test_a_key_that_never_ends_does_not_swallow_the_log(redactor: Redactor) -> None:
    stream = redactor.stream()
    stream.line("-----BEGIN EC PRIVATE " + "KEY-----")

    assert stream.line("error: the file was cut off (see above)!") == (
        "error: the file was cut off (see above)!"
    )


@given(st.text(max_size=200))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    redactor = Redactor([KNOWN])
    once = redactor.text(f"password={text}\ntoken: {text}")

    assert redactor.text(once) == once


SECRET = """apiVersion: v1
data:
  password: cGFzc3dvcmQxMjM=
  note: |
    c29tZXRoaW5nIGVsc2UgdGhhdCBpcyBzZWNyZXQ=
kind: Secret
metadata:
  name: db
  namespace: shop
"""


def test_a_kubernetes_secret_keeps_its_names_and_loses_its_values(redactor: Redactor) -> None:
    clean = redactor.text(SECRET)

    assert "cGFzc3dvcmQxMjM=" not in clean
    assert "c29tZXRoaW5nIGVsc2U" not in clean
    assert "  password: " in clean
    assert "namespace: shop" in clean


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("- name: DB_PASSWORD\n  value: plain_words", "plain_words"),
        ('"name": "API_TOKEN",\n"value": "plain words"', "plain words"),
        ("====== Data ======\nKey    Value\n---    -----\nowner    correct-horse", "correct-horse"),
        ("<apiToken>\n    aaaabbbbcccc\n</apiToken>", "aaaabbbbcccc"),
        ('{"kind":"Secret","data":{"owner":"Y29ycmVjdA=="}}', "Y29ycmVjdA=="),
        ("| SecretAccessKey | wJalrXUtnFEMI/K7MDENG/bPxRfiCY |", "wJalrXUtnFEMI"),
    ],
)
def test_where_a_value_stands_says_that_it_is_a_secret(
    redactor: Redactor, text: str, secret: str
) -> None:
    assert secret not in redactor.text(text)


def test_a_value_found_once_is_masked_wherever_it_comes_again(redactor: Redactor) -> None:
    stream = redactor.stream()
    stream.line("token: zx81Kp20QwLm93Vb")

    assert stream.line("connecting with zx81Kp20QwLm93Vb now") == f"connecting with {MASK} now"


def test_output_that_is_all_secret_shows_its_names_only(redactor: Redactor) -> None:
    clean = redactor.text("Key    Value\n---    -----\nowner    dana\n\nsomething said", "values")

    assert "owner" in clean
    assert "dana" not in clean
    assert "something said" not in clean


def test_a_json_document_that_is_all_secret_keeps_its_shape(redactor: Redactor) -> None:
    clean = redactor.text('{"kind": "Secret", "data": {"owner": "ZGFuYQ==", "n": [1]}}', "values")

    assert clean == '{"kind": "Secret", "data": {"owner": "[redacted]", "n": ["[redacted]"]}}'


@pytest.mark.parametrize(
    ("tool", "action", "values", "shape"),
    [
        ("vault", "kv_get", {}, "values"),
        ("vault", "kv_get", {"field": "password"}, "withheld"),
        ("kubectl", "get", {"kind": "Secret"}, "values"),
        ("kubectl", "get", {"kind": "pods"}, "text"),
        ("kubectl", "create-token", {}, "withheld"),
        ("aws", "ssm get-parameter", {}, "values"),
    ],
)
def test_the_command_decides_before_the_text(
    tool: str, action: str, values: dict[str, str], shape: str
) -> None:
    assert shape_of(tool, action, values) == shape
    assert strictest("text", shape_of(tool, action, values)) == shape


def test_a_line_that_cannot_be_checked_is_withheld(
    redactor: Redactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(data: bytes) -> None:
        raise ValueError(data)

    stream = redactor.stream()
    monkeypatch.setattr(stream, "_part", broken)

    assert stream.line("password: hunter2hunter2") == WITHHELD


def test_a_team_adds_patterns_and_takes_none_away() -> None:
    own = OwnRules.checked([r"\bACME-([0-9]{6})\b"], ["acmeticket"])
    redactor = Redactor(own=own)

    assert redactor.text("card ACME-123456") == f"card ACME-{MASK}"
    assert redactor.text("acmeticket is 8fK20xLpQ1zW") == f"acmeticket is {MASK}"
    assert redactor.text("password: hunter22") == f"password: {MASK}"


@pytest.mark.parametrize("pattern", ["(", "", "x*", r"(?=a)", "a" * 2000, r"\[redacted\]"])
def test_a_pattern_that_cannot_work_stops_the_start(pattern: str) -> None:
    with pytest.raises(ConfigurationError):
        OwnRules.checked([pattern], [])


LINES = [
    "",
    "pods are fine",
    "password: zx81Kp20QwLm93Vb",
    "seen zx81Kp20QwLm93Vb",
    "data:",
    "  note: cGFzc3dvcmQxMjM=",
    "kind: Secret",
    "-----BEGIN RSA PRIVATE " + "KEY-----",
    "MIIEpAIBAAKCAQEA",
    "-----END RSA PRIVATE " + "KEY-----",
    "  name: API_TOKEN",
    "  value: plain",
]
# What makes a line of some ten thousand letters, times the number.
HOSTILE: dict[str, Callable[[int], str]] = {
    "one letter": lambda times: "a" * 12_000 * times,
    "assignments": lambda times: "password=" * 1_400 * times,
    "names": lambda times: "password " * 1_400 * times,
    "keys": lambda times: "key" * 4_000 * times,
    "spaces": lambda times: "token" + " " * 12_000 * times,
    "urls": lambda times: "https://a:" * 1_200 * times,
    "tokens": lambda times: "eyJhbGciOiJIUzI1NiJ9" * 600 * times,
    "tokens apart": lambda times: "eyJhbGciOiJIUzI1NiJ9 " * 600 * times,
    "curl": lambda times: "curl -u " * 1_500 * times,
    "curl alone": lambda times: "curl " * 2_400 * times,
    "words drawn by lot": lambda times: "secret " + "a1B2c3D4e5F6g7H8 " * 700 * times,
    "quotes": lambda times: "secret: '" * 1_300 * times,
    "at": lambda times: "x://" + "a" * 6_000 * times + "@" * 6_000 * times,
}


@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
def test_a_line_costs_no_more_than_its_length(redactor: Redactor, name: str) -> None:
    redactor.text("password: x")

    assert growth(lambda times: redactor.text(HOSTILE[name](times)), 2) < MOST


@given(st.lists(st.sampled_from(LINES), max_size=30))
def test_stretches_taken_whole_come_out_as_lines_do_one_by_one(lines: list[str]) -> None:
    whole, single = Redactor().stream(), Redactor().stream()

    assert whole.lines("\n".join(lines)) == "\n".join(single.line(line) for line in lines)
