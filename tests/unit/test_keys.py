"""Only the gate's key makes an approval."""

import os
import stat
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from engine.domain.actor import Surface
from engine.domain.approval import Signed, Verdict
from engine.errors import ConfigurationError, Invalid, NotFound
from engine.secrets.keys import FileSigner, make_keys, prepare, retire, rotate
from engine.secrets.published import FileVerifier, Published
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


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_a_retired_key_signed_before_counts_and_nothing_after(tmp_path: Path) -> None:
    one = signed(tmp_path)
    public, at = tmp_path / "public-keys", one.statement.at
    key_id = one.statement.key_id

    retire(public, key_id, at + timedelta(microseconds=1))
    before = FileVerifier(public).verify(one)
    retire(public, key_id, at)
    after = FileVerifier(public).verify(one)

    assert (before, after) == (True, False)


def test_a_rotation_needs_no_restart_of_those_who_sign_and_verify(tmp_path: Path) -> None:
    made, clock = make_keys(tmp_path), Clock()
    signer, verifier = FileSigner(made.private), FileVerifier(made.public, clock)
    begun = said(version(), "ann").model_copy(update={"key_id": signer.key_id})

    before, after = rotate(made.private, made.public, overlap=timedelta(hours=1), now=begun.at)
    late, key_id = signer.sign(begun), signer.key_id
    fresh = signer.sign(begun.model_copy(update={"key_id": signer.key_id}))
    clock.now += 2

    assert (before, key_id) == (made.key_id, after)
    assert verifier.verify(fresh)
    assert verifier.verify(late)
    much_later = begun.model_copy(update={"at": begun.at + timedelta(hours=2)})
    assert not verifier.verify(signer.sign(much_later))
    assert stat.S_IMODE(os.stat(made.private).st_mode) == 0o600


def test_a_key_can_be_known_everywhere_before_it_signs(tmp_path: Path) -> None:
    made = make_keys(tmp_path)

    prepared = prepare(made.private, made.public)
    still = FileSigner(made.private).key_id
    _, after = rotate(made.private, made.public, overlap=timedelta(), now=said(version(), "a").at)

    assert still == made.key_id
    assert prepared == after == FileSigner(made.private).key_id


def test_unknown_keys_make_the_folder_read_again_at_most_every_two_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, foreign, clock = make_keys(tmp_path / "a"), signed(tmp_path / "b"), Clock()
    reads: list[Path] = []
    verifier = FileVerifier(ours.public, clock)

    def counted(folder: Path) -> dict[str, Published]:
        reads.append(folder)
        return {}

    monkeypatch.setattr("engine.secrets.published.published", counted)

    for _ in range(1000):
        clock.now += 0.01
        assert not verifier.verify(foreign)

    assert 4 <= len(reads) <= 5


def test_a_key_that_is_not_there_is_not_retired(tmp_path: Path) -> None:
    made = make_keys(tmp_path)

    with pytest.raises(NotFound):
        retire(made.public, "0000000000000000", said(version(), "a").at)


def test_a_damaged_folder_leaves_what_was_known(tmp_path: Path) -> None:
    one, clock = signed(tmp_path), Clock()
    verifier = FileVerifier(tmp_path / "public-keys", clock)
    (tmp_path / "public-keys" / "0000000000000000.pem").write_text("no key")

    clock.now += 31

    assert verifier.verify(one)
