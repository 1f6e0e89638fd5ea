"""Where changes may run: in containers, and in processes only where all is on one machine."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.domain.context import ContextRef
from engine.domain.draft import Reading
from engine.domain.model import Json
from engine.domain.plan import DraftStep
from engine.errors import ConfigurationError, ToolFailed
from engine.sandboxes import image_for, installed_for, opened_sandbox, socket_of
from engine.settings import Settings
from engine.tools.boxes import Needs, ReadsOnly
from engine.tools.containers.sandbox import ContainerSandbox
from engine.tools.registry import ToolRegistry
from engine.tools.sandbox import ProcessSandbox

HERE = {
    "CARAPULSE_POSTGRES__DSN": "postgresql://carapulse@/x?host=/var/run/here",
    "CARAPULSE_TEMPORAL__ADDRESS": "127.0.0.1:7233",
}
HEAD = "a" * 40
PLACE = ContextRef(environment="prod", service="checkout")
PROCESS = {"CARAPULSE_SANDBOX__RUNTIME": "process"}
LOCAL = {**PROCESS, "CARAPULSE_SANDBOX__LOCAL": "true"}


def configured(*over: Mapping[str, str]) -> Settings:
    return Settings.load(over={name: text for one in over for name, text in one.items()})


async def test_containers_are_what_tools_run_in_when_nobody_says_anything() -> None:
    async with opened_sandbox(configured(HERE)) as sandbox:
        assert isinstance(sandbox, ContainerSandbox)


async def test_processes_are_for_looking(tmp_path: Path) -> None:
    async with opened_sandbox(configured(HERE, PROCESS)) as sandbox:
        assert isinstance(sandbox, ReadsOnly)

        with pytest.raises(ToolFailed, match="Nothing was changed"):
            async with sandbox.open(Needs(writes=True), {}):
                pytest.fail("it was opened")


async def test_on_one_machine_changes_run_in_processes() -> None:
    async with opened_sandbox(configured(HERE, LOCAL)) as sandbox:
        assert isinstance(sandbox, ProcessSandbox)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"CARAPULSE_POSTGRES__DSN": "postgresql://u@db.example/x"},
        {"CARAPULSE_POSTGRES__DSN": "postgresql:///x?host=10.0.0.4"},
        {"CARAPULSE_POSTGRES__DSN": "postgresql://u@127.0.0.1/x?host=db.example"},
        {"CARAPULSE_TEMPORAL__ADDRESS": "temporal.example:7233"},
    ],
)
async def test_local_is_refused_where_a_part_is_elsewhere(elsewhere: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="one machine"):
        async with opened_sandbox(configured(HERE, LOCAL, elsewhere)):
            pytest.fail("it was opened")


async def test_looks_in_processes_and_changes_in_containers(tmp_path: Path) -> None:
    absent = {
        "CARAPULSE_SANDBOX__READS": "process",
        "CARAPULSE_SANDBOX__SOCKET": str(tmp_path / "nobody"),
    }

    async with opened_sandbox(configured(HERE, absent)) as sandbox:
        async with sandbox.open(Needs(), {}):
            pass  # a look needs no engine
        with pytest.raises(ToolFailed, match="does not answer"):
            async with sandbox.open(Needs(writes=True), {}):
                pytest.fail("it was opened")


@pytest.mark.parametrize("user", ["0:0", "root", "1000", "0:1000", "1000:0"])
def test_nobody_runs_tools_as_root(user: str) -> None:
    with pytest.raises(ConfigurationError):
        configured({"CARAPULSE_SANDBOX__USER": user})


def test_each_engine_has_its_usual_socket() -> None:
    podman = configured({"CARAPULSE_SANDBOX__RUNTIME": "podman"}).sandbox

    assert socket_of(podman) == Path("/run/podman/podman.sock")


def test_programs_are_those_of_the_image() -> None:
    there = installed_for(configured().sandbox)

    assert there("kubectl")
    assert not there("carapulse-no-such-program")


@pytest.mark.parametrize(
    ("over", "read", "write"),
    [
        pytest.param({}, "carapulse-sandbox", "carapulse-sandbox", id="containers for all"),
        pytest.param(
            {"CARAPULSE_SANDBOX__READS": "process"}, "", "carapulse-sandbox", id="looks apart"
        ),
        pytest.param(PROCESS, "", "", id="processes"),
    ],
)
def test_a_call_is_frozen_with_the_image_that_it_runs_in(
    over: Mapping[str, str], read: str, write: str
) -> None:
    remote = "https://git.example/shop.git"
    place: dict[str, Json] = {"remote": remote, "branch": "main"}
    image = image_for(configured(over).sandbox)
    registry = ToolRegistry.load(remotes=[remote], image=image, installed=lambda program: True)
    reading = Reading(tool="git", action="head", input=place)
    step = DraftStep(
        tool="git", action="revert_commit", input={**place, "expected_head": HEAD, "commit": HEAD}
    )

    looks = registry.read_call(reading, PLACE)
    writes = registry.freeze(step, PLACE, number=1, mark="P-1/1/1").call

    assert (looks.image, writes.image) == (read, write)


def test_another_image_in_the_settings_does_not_change_what_was_approved() -> None:
    remote = "https://git.example/shop.git"
    reading = Reading(tool="git", action="head", input={"remote": remote, "branch": "main"})
    before = ToolRegistry.load(remotes=[remote], image=lambda effect: "sandbox:1")
    after = ToolRegistry.load(remotes=[remote], image=lambda effect: "sandbox:2")

    call = before.read_call(reading, PLACE)

    assert after.rerender(call, after.definition(call.definition)) == call


async def test_what_was_approved_for_a_container_does_not_run_in_a_process() -> None:
    with pytest.raises(ToolFailed, match="approved to run in a container"):
        async with ProcessSandbox().open(Needs(writes=True, image="sandbox:1"), {}):
            pytest.fail("it was opened")
