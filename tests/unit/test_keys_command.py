"""`carapulse keys` on files, and what `doctor` says of them."""

from pathlib import Path

import pytest

from bot.cli.doctor_rules import keys as looked_at
from bot.cli.keys import listed, retire, rotate
from engine.errors import ConfigurationError
from engine.secrets.keys import Keys, make_keys
from engine.settings import Settings


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    keys = make_keys(tmp_path)
    monkeypatch.setenv("CARAPULSE_POSTGRES__DSN", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("CARAPULSE_KEYS__SIGNING_KEY_FILE", str(keys.private))
    monkeypatch.setenv("CARAPULSE_KEYS__PUBLIC_KEYS_FOLDER", str(keys.public))
    return keys


async def test_a_rotation_is_prepared_done_and_listed(
    made: Keys, capsys: pytest.CaptureFixture[str]
) -> None:
    await rotate(prepare=True)
    await rotate(overlap=60)
    await listed()

    prepared, rotated, *lines = capsys.readouterr().out.splitlines()
    after = prepared.split(" ")[0]
    assert rotated.startswith(f"{after} signs now; {made.key_id} is retired in 60 s.")
    assert f"{after}  counts  signs here" in lines
    assert any(line.startswith(f"{made.key_id}  retired at ") for line in lines)


async def test_doctor_refuses_a_signing_key_that_is_retired(made: Keys) -> None:
    (good,) = await looked_at(Settings.load())
    await retire(made.key_id)

    (bad,) = await looked_at(Settings.load())

    assert "matches a public key" in good.found
    assert "is retired: nothing would run" in bad.found
    assert "carapulse keys rotate" in bad.mend


async def test_who_has_no_signing_key_can_not_rotate(
    made: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CARAPULSE_KEYS__SIGNING_KEY_FILE")

    with pytest.raises(ConfigurationError, match="where the bot runs"):
        await rotate()
