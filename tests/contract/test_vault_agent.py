"""The login to Vault, against a server that plays its API: kept alive, renewed, made again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from engine.errors import Unavailable
from engine.secrets.vault import agent as agents
from engine.secrets.vault.agent import VaultAgent
from engine.secrets.vault.api import VaultApi
from engine.secrets.vault.logins import AppRole, Kubernetes, Login
from tests.contract.played_vault import JWT, ROLE_ID, PlayedVault, played_vault


@pytest.fixture
async def vault() -> AsyncIterator[PlayedVault]:
    async with played_vault() as played:
        yield played


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "FIRST_WAIT", 0.02)


@pytest.fixture
def secret_id(tmp_path: Path) -> Path:
    file = tmp_path / "secret-id"
    file.write_text("first-secret-id\n")
    return file


@dataclass
class Counted:
    outcomes: list[str] = field(default_factory=list)

    def __call__(self, outcome: str) -> None:
        self.outcomes.append(outcome)


@asynccontextmanager
async def running(
    vault: PlayedVault, login: Login, sink: Path | None = None, count: Callable[[str], object] = len
) -> AsyncIterator[VaultAgent]:
    async with aiohttp.ClientSession() as session:
        api = VaultApi(session, vault.url, vault.namespace, timeout=1)
        agent = VaultAgent(api, login, longest_wait=0.1, count=count)
        async with agent.running():
            agent.begin(sink)
            yield agent


async def until(true: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_approle_logs_in_in_its_namespace_and_signs_out_at_the_end(
    vault: PlayedVault, secret_id: Path
) -> None:
    vault.namespace = "team-a"

    async with running(vault, AppRole("approle", ROLE_ID, secret_id)) as agent:
        token = await agent.token()

        assert token in vault.tokens

    assert token not in vault.tokens


async def test_nobody_logs_in_before_the_token_is_wanted(
    vault: PlayedVault, secret_id: Path
) -> None:
    async with aiohttp.ClientSession() as session:
        api = VaultApi(session, vault.url)
        agent = VaultAgent(api, AppRole("approle", ROLE_ID, secret_id))
        async with agent.running():
            await agent.healthy()

            assert vault.count("POST auth/approle/login") == 0
            assert await agent.token()


async def test_a_service_account_token_that_the_kubelet_replaced_is_read_again(
    vault: PlayedVault, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("an old one")

    async with running(vault, Kubernetes("kubernetes", "worker", file)) as agent:
        await until(lambda: vault.count("POST auth/kubernetes/login") > 1)
        file.write_text(f"{JWT}.new")

        assert await agent.token() in vault.tokens


async def test_a_secret_id_that_was_rotated_is_read_again(
    vault: PlayedVault, secret_id: Path
) -> None:
    vault.secret_ids = {"second-secret-id"}

    async with running(vault, AppRole("approle", ROLE_ID, secret_id)) as agent:
        await until(lambda: vault.count("POST auth/approle/login") > 1)
        with pytest.raises(Unavailable, match="invalid role or secret ID"):
            await agent.healthy()
        secret_id.write_text("second-secret-id")

        assert await agent.token() in vault.tokens
        await agent.healthy()


async def test_a_wrapped_secret_id_is_unwrapped_once_and_kept_for_the_next_login(
    vault: PlayedVault, secret_id: Path
) -> None:
    secret_id.write_text(vault.wrap("first-secret-id"))

    async with running(vault, AppRole("approle", ROLE_ID, secret_id, wrapped=True)) as agent:
        first = await agent.token()
        await agent.anew()

        assert await agent.token() != first
        assert vault.count("POST sys/wrapping/unwrap") == 1


@pytest.mark.parametrize("how", ["used", "of another path"])
async def test_a_wrapping_token_that_was_used_or_made_elsewhere_is_not_taken(
    vault: PlayedVault, secret_id: Path, how: str
) -> None:
    if how == "used":
        secret_id.write_text("hvs.wrap-used-by-somebody")
    else:
        secret_id.write_text(vault.wrap("first-secret-id", "sys/wrapping/wrap"))

    async with running(vault, AppRole("approle", ROLE_ID, secret_id, wrapped=True)) as agent:
        await until(lambda: vault.count("POST sys/wrapping/lookup") > 1)

        with pytest.raises(Unavailable, match="wrapp"):
            await agent.healthy()
        assert vault.count("POST sys/wrapping/unwrap") == 0


async def test_the_token_is_renewed_in_time_and_stays_the_same(
    vault: PlayedVault, secret_id: Path
) -> None:
    vault.ttl, counted = 0.4, Counted()

    async with running(vault, AppRole("approle", ROLE_ID, secret_id), count=counted) as agent:
        first = await agent.token()
        await until(lambda: vault.count("POST auth/token/renew-self") >= 4)

        assert await agent.token() == first
        assert vault.count("POST auth/approle/login") == 1
        assert counted.outcomes[:3] == ["logged_in", "renewed", "renewed"]


@pytest.mark.parametrize("renewable", [True, False])
async def test_when_its_longest_life_ends_we_log_in_again_before_it_does(
    vault: PlayedVault, secret_id: Path, *, renewable: bool
) -> None:
    vault.ttl, vault.longest, vault.renewable = 0.5, 0.8, renewable

    async with running(vault, AppRole("approle", ROLE_ID, secret_id)) as agent:
        first = await agent.token()
        await until(lambda: vault.count("POST auth/approle/login") == 2)

        assert vault.tokens[first].last > 0
        assert await agent.token() != first
        assert await agent.token() in vault.tokens


async def test_a_token_that_is_too_short_for_a_call_is_replaced_before_it(
    vault: PlayedVault, secret_id: Path
) -> None:
    async with running(vault, AppRole("approle", ROLE_ID, secret_id)) as agent:
        first = await agent.token()
        assert agent.held
        agent.held.until = asyncio.get_running_loop().time() + 5

        assert await agent.token(seconds=2) == first
        assert await agent.token(seconds=60) != first


@pytest.mark.parametrize("status", [429, 472, 473, 503, 500, 307])
async def test_a_vault_that_does_not_serve_is_said_and_waited_for(
    vault: PlayedVault, secret_id: Path, status: int
) -> None:
    vault.answers = status

    async with running(vault, AppRole("approle", ROLE_ID, secret_id)) as agent:
        await until(lambda: len(vault.asked) > 2)
        with pytest.raises(Unavailable, match=str(status)):
            await agent.healthy()
        vault.answers = 0

        assert await agent.token() in vault.tokens
        await agent.healthy()


def test_pauses_grow_to_the_cap_and_are_never_the_same_for_all() -> None:
    agent = VaultAgent(None, None, longest_wait=8)  # type: ignore[arg-type]

    pauses = [[agent._pause(failures) for failures in range(1, 40)] for _ in range(20)]

    assert max(map(max, pauses)) <= 8
    assert all(one[0] <= agents.FIRST_WAIT < one[3] < one[-1] for one in pauses)
    assert len({one[-1] for one in pauses}) > 10


async def test_the_sink_gets_each_new_token_and_is_ours_alone(
    vault: PlayedVault, secret_id: Path, tmp_path: Path
) -> None:
    sink = tmp_path / "sink" / "token"
    sink.parent.mkdir()

    async with running(vault, AppRole("approle", ROLE_ID, secret_id), sink) as agent:
        first = await agent.token()
        await until(sink.exists)
        before = sink.read_text()
        await agent.anew()

    assert (before, sink.read_text() in vault.tokens) == (first, True)
    assert sink.read_text() != first
    assert sink.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in sink.parent.iterdir()] == ["token"]
