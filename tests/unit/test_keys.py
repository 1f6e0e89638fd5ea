"""Only the gate's key makes an approval."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from engine.domain.actor import Surface
from engine.domain.approval import Signed, Verdict
from engine.errors import ConfigurationError, Invalid
from engine.secrets.keys import FileSigner, FileVerifier, make_keys
from engine.secrets.tokens import make_token, same_token, token_hash
from tests.unit.governing import version
from tests.unit.test_quorum import said


def signed(folder: Path) -> Signed:
    signer = FileSigner(make_keys(folder).private)
    return signer.sign(said(version(), "ann").model_copy(update={"key_id": signer.key_id}))


def test_what_the_gate_signed_is_believed_also_after_storage(tmp_path: Path) -> None:
    one = signed(tmp_path)

    stored = Signed.model_validate_json(one.model_dump_json())

    assert FileVerifier(tmp_path / "public-keys").verify(stored)


def test_each_altered_field_is_noticed(tmp_path: Path) -> None:
    one = signed(tmp_path)
    verifier = FileVerifier(tmp_path / "public-keys")
    statement = one.statement
    changes = dict.fromkeys(type(statement).model_fields, "altered")
    odd = {
        "version": 2,
        "verdict": Verdict.REJECT,
        "groups": ("x",),
        "surface": Surface.API,
        "step_up": True,
        "at": statement.at + timedelta(microseconds=1),
    }

    for name, value in {**changes, **odd}.items():
        altered = statement.model_copy(update={name: value})
        assert not verifier.verify(one.model_copy(update={"statement": altered})), name


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", "é", "A" * 86])
def test_a_wrong_signature_is_not_believed(tmp_path: Path, signature: str) -> None:
    one = signed(tmp_path).model_copy(update={"signature": signature})

    assert not FileVerifier(tmp_path / "public-keys").verify(one)


def test_another_key_is_not_believed_until_it_is_published(tmp_path: Path) -> None:
    ours, theirs = make_keys(tmp_path / "a"), make_keys(tmp_path / "b")
    one = signed(tmp_path / "b")

    assert not FileVerifier(ours.public).verify(one)
    published = theirs.public / f"{theirs.key_id}.pem"
    (ours.public / published.name).write_bytes(published.read_bytes())
    assert FileVerifier(ours.public).verify(one)


def test_the_private_key_is_ours_alone_and_made_once(tmp_path: Path) -> None:
    first, second = make_keys(tmp_path), make_keys(tmp_path)

    assert first == second
    assert stat.S_IMODE(os.stat(first.private).st_mode) == 0o600


def test_a_private_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    keys = make_keys(tmp_path)
    keys.private.chmod(0o640)

    with pytest.raises(ConfigurationError, match="mode 600"):
        FileSigner(keys.private)


def test_a_public_key_under_another_name_is_refused(tmp_path: Path) -> None:
    keys = make_keys(tmp_path)
    (keys.public / f"{keys.key_id}.pem").rename(keys.public / "0000000000000000.pem")

    with pytest.raises(ConfigurationError, match="not the one that its name says"):
        FileVerifier(keys.public)


def test_without_public_keys_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no public key"):
        FileVerifier(tmp_path)


def test_a_statement_for_another_key_is_not_signed(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        FileSigner(make_keys(tmp_path).private).sign(said(version(), "ann"))


def test_a_token_is_known_by_its_hash_alone() -> None:
    token = make_token()

    assert token.startswith("cpt_")
    assert token not in token_hash(token)
    assert same_token(token, token_hash(token))
    assert not same_token(make_token(), token_hash(token))
