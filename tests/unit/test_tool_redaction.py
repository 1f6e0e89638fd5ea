"""No secret passes, whatever form it has, and ordinary output stays readable."""

import base64
import gzip
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tools.redaction import MASK, Redactor

KNOWN = "kn0wn/S3cret+value=="
CORPUS = Path(__file__).parents[3] / "shared" / "data" / "secrets.dev.jsonl.gz"
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


@pytest.mark.skipif(not CORPUS.exists(), reason="the shared test data is not here")
def test_the_development_corpus_is_masked_as_well_as_before(redactor: Redactor) -> None:
    secrets = masked = clean = changed = 0
    with gzip.open(CORPUS, "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            text = redactor.text(row["text"])
            if row["label"] == "secret" and row["tier"] == "A":
                secrets += 1
                masked += all(one not in text for one in row.get("all_secrets") or [row["secret"]])
            elif row["label"] == "clean" and row["tier"] == "realistic":
                clean += 1
                changed += text != row["text"]

    assert masked / secrets >= 0.90
    assert changed / clean <= 0.03
