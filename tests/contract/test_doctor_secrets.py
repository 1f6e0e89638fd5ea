"""What `carapulse doctor` says of Vault, Boundary and token files."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.cli.doctor_finding import Level
from bot.cli.doctor_secrets import plain, secrets
from engine.settings import Settings
from tests.contract.played_boundary import TOKEN, PlayedBoundary, played_boundary, program
from tests.contract.played_vault import PlayedVault, played_vault
from tests.contract.secret_bench import settings_for


@pytest.fixture
async def vault() -> AsyncIterator[PlayedVault]:
    async with played_vault() as played:
        yield played


@pytest.fixture
async def boundary() -> AsyncIterator[PlayedBoundary]:
    async with played_boundary() as played:
        yield played


async def said(settings: Settings) -> list[tuple[Level, str, str]]:
    return [(one.level, one.area, one.found) for one in await secrets(settings)]


async def test_nothing_is_said_where_nothing_is_configured() -> None:
    assert await secrets(Settings.load({})) == []


async def test_it_logs_in_and_gives_the_token_back(vault: PlayedVault, tmp_path: Path) -> None:
    found = await said(settings_for(tmp_path, vault, {}))

    assert found == [
        (Level.OK, "vault", "it serves and lets us in by approle; a token lives 3600 s")
    ]
    assert vault.tokens == {}


async def test_a_wrapped_secret_id_is_not_used_up(vault: PlayedVault, tmp_path: Path) -> None:
    found = await said(settings_for(tmp_path, vault, {}, {"wrapped": True}))

    assert found == [(Level.OK, "vault", "it serves; the wrapped secret id was not tried")]
    assert vault.asked == ["GET sys/health"]


@pytest.mark.parametrize(
    ("answers", "secret_ids", "words"),
    [(503, {"first-secret-id"}, "is sealed"), (0, {"another"}, "invalid role or secret ID")],
)
async def test_a_vault_that_is_sealed_or_refuses_us_is_a_failure(
    vault: PlayedVault, tmp_path: Path, answers: int, secret_ids: set[str], words: str
) -> None:
    vault.answers, vault.secret_ids = answers, secret_ids

    (found,) = await said(settings_for(tmp_path, vault, {}))

    assert (found[0], words in found[2]) == (Level.FAIL, True)


def boundary_settings(folder: Path, boundary: PlayedBoundary, **more: Any) -> Settings:
    token = folder / "token"
    if not token.exists():
        token.write_text(TOKEN)
        token.chmod(0o600)
    given = {"url": boundary.url, "token_file": str(token), **more}
    return Settings.load({"CARAPULSE_BOUNDARY": json.dumps(given)})


async def test_boundary_answers_and_its_program_is_there(
    boundary: PlayedBoundary, tmp_path: Path
) -> None:
    works = program(tmp_path)

    found = await said(boundary_settings(tmp_path, boundary, program=str(works)))
    without = await said(boundary_settings(tmp_path, boundary, program="no-such-boundary"))
    boundary.answers = 503
    away = await said(boundary_settings(tmp_path, boundary, program=str(works)))

    assert [one[0] for one in found] == [Level.OK, Level.OK]
    assert (without[0][0], "no-such-boundary" in without[0][2]) == (Level.FAIL, True)
    assert (away[0][0], "503" in away[0][2]) == (Level.FAIL, True)


async def test_token_files_that_are_missing_or_open_to_all_are_named(
    vault: PlayedVault, tmp_path: Path
) -> None:
    (tmp_path / "open").write_text("a-token-of-ours")
    (tmp_path / "open").chmod(0o644)
    connection = {"token_file": str(tmp_path / "gone")}
    other = {"token_file": str(tmp_path / "open")}

    found = await said(settings_for(tmp_path, vault, connection, other=other))

    assert [(one[0], one[1]) for one in found[1:]] == [
        (Level.FAIL, "token files"),
        (Level.WARN, "token files"),
    ]
    assert "a-token-of-ours" not in str(found)


def test_secrets_without_tls_are_something_to_know() -> None:
    assert plain("vault", "http://vault.internal:8200")[0].level is Level.WARN
    assert plain("vault", "https://vault.internal:8200") == []
    assert plain("vault", "http://127.0.0.1:8200") == []
