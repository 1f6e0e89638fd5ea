"""The sandbox of the settings: it runs, and `carapulse doctor` says what to mend where it can't."""

from pathlib import Path

import pytest

from bot.cli import doctor_machine
from engine.sandboxes import opened_sandbox
from engine.settings import Settings
from engine.tools.boxes import Needs
from engine.tools.process import Limits
from tests.contract.container_engine import ContainerEngine
from tests.contract.definitions.kubernetes import Cluster

HERE = {
    "CARAPULSE_POSTGRES__DSN": "postgresql://carapulse@/x?host=/var/run/here",
    "CARAPULSE_TEMPORAL__ADDRESS": "127.0.0.1:7233",
}


def configured(**sandbox: str) -> Settings:
    named = {f"CARAPULSE_SANDBOX__{name.upper()}": text for name, text in sandbox.items()}
    return Settings.load(over={**HERE, **named})


async def test_an_engine_with_the_image_is_all_that_changes_need(docker: ContainerEngine) -> None:
    (found,) = await doctor_machine.sandbox(
        configured(socket=str(docker.socket), image=docker.image)
    )

    assert found.level == "ok"
    assert "containers of" in found.found


async def test_an_image_that_is_not_there_is_told_with_how_to_build_it(
    docker: ContainerEngine,
) -> None:
    (found,) = await doctor_machine.sandbox(configured(socket=str(docker.socket), image="nobody:1"))

    assert found.level == "fail"
    assert "nobody:1 is not there" in found.found
    assert "sandbox.Dockerfile" in found.mend


async def test_an_engine_that_does_not_answer_is_told(tmp_path: Path) -> None:
    (found,) = await doctor_machine.sandbox(configured(socket=str(tmp_path / "nobody")))

    assert found.level == "fail"
    assert "no change can run" in found.found


async def test_processes_run_changes_where_all_is_on_one_machine_alone() -> None:
    refused = await doctor_machine.sandbox(configured(runtime="process"))
    local = await doctor_machine.sandbox(configured(runtime="process", local="true"))

    assert refused[0].level == "fail"
    assert "changes are refused" in refused[0].found
    assert "fail" not in [one.level for one in local]


@pytest.mark.parametrize("whose", ["ours", "another's"])
async def test_a_cluster_has_to_let_the_worker_make_jobs(
    cluster: Cluster, tmp_path: Path, whose: str
) -> None:
    token = tmp_path / "token"
    config = await cluster.kubectl(
        "config", "view", "--raw", "--output=jsonpath={.users[0].user.token}"
    )
    token.write_text(config if whose == "ours" else "another's")
    settings = configured(
        runtime="kubernetes",
        kubernetes__url=cluster.url,
        kubernetes__token_file=str(token),
        kubernetes__ca_file=str(cluster.kubeconfig.parent / "certs" / "apiserver.crt"),
    )

    (found,) = await doctor_machine.sandbox(settings)

    assert (found.level == "ok") is (whose == "ours"), found


async def test_the_sandbox_of_the_settings_runs_programs(docker: ContainerEngine) -> None:
    settings = configured(socket=str(docker.socket), image=docker.image, memory="128")
    lines: list[str] = []

    async def hear(stream: str, line: str) -> None:
        lines.append(line)

    async with (
        opened_sandbox(settings) as sandbox,
        sandbox.open(Needs(writes=True), {}) as box,
    ):
        ended = await box.run(["id", "-u"], Limits(), hear)

    assert ended.exit_code == 0
    assert lines == ["65532"]
