"""The definitions of AWS with its own command line, against a server that plays AWS' API (moto)."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import boto3  # type: ignore[import-untyped]
import pytest
import pytest_asyncio

from bot.local.ports import answers, free_port
from engine.domain.call import Ending
from engine.tools.api import Endpoint
from tests.conftest import absent
from tests.contract.definitions.bench import PLACE, Definitions, until

REGION = "eu-central-1"
KEYS = "[default]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
ON_ECS = {"ecs_cluster": "shop", "service": "checkout"}


def command_line() -> Path:
    """The folder of `aws`; a version manager's stand-in needs a home, so it is not taken."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = [one.parent for one in sorted((cache / "carapulse").glob("awscli-*/bin/aws"))]
    own = [Path(sys.prefix) / "bin", Path(sys.base_prefix) / "bin"]
    known = [
        Path(found).parent
        for found in [shutil.which("aws", path="/usr/local/bin:/usr/bin")]
        if found
    ]
    folders = [one for one in (*built, *own, *known) if (one / "aws").is_file()]
    return folders[-1] if folders else absent("the AWS command line")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def url() -> AsyncIterator[str]:
    """The address of the server."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.prefix) / "bin" / "moto_server"),
        f"-p{port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: answers(port))
        await asyncio.to_thread(seeded, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


def seeded(url: str) -> None:
    """A service of two tasks, a scaling group of one instance, a secret."""

    def client(name: str) -> Any:
        return boto3.client(
            name,
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    ecs, group = client("ecs"), client("autoscaling")
    ecs.create_cluster(clusterName="shop")
    container = {"name": "app", "image": "registry.example/checkout:1.0.0", "memory": 128}
    ecs.register_task_definition(family="checkout", containerDefinitions=[container])
    ecs.create_service(
        cluster="shop", serviceName="checkout", taskDefinition="checkout", desiredCount=2
    )
    group.create_launch_configuration(
        LaunchConfigurationName="web", ImageId="ami-12c6146b", InstanceType="t3.micro"
    )
    group.create_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchConfigurationName="web",
        MinSize=1,
        MaxSize=4,
        DesiredCapacity=1,
        AvailabilityZones=[f"{REGION}a"],
    )
    client("secretsmanager").create_secret(Name="shop/db", SecretString="not-to-be-seen")


@pytest.fixture
async def bench(url: str, tmp_path: Path) -> AsyncIterator[Definitions]:
    keys = tmp_path / "credentials"
    keys.write_text(KEYS)
    place = PLACE.model_copy(update={"region": REGION})
    programs = f"{command_line()}:/usr/bin:/bin"
    async with aiohttp.ClientSession() as session:
        yield Definitions(
            {"aws": Endpoint(url, file=keys)}, session, programs=programs, place=place
        )


async def test_each_write_takes_effect_is_probed_and_undone(bench: Definitions) -> None:
    scale, scaled = await bench.write("aws.ecs_scale", **ON_ECS, count=5)
    scale_found = await bench.took_effect(scale)
    back = await bench.undo(scale, scaled)
    now = await bench.read("aws.ecs_service", **ON_ECS)
    grow, grown = await bench.write("aws.set_capacity", group="web", capacity=3)
    grow_found = await bench.took_effect(grow)
    shrunk = await bench.undo(grow, grown)
    after = await bench.read("aws.groups", group="web")
    redeployed = (await bench.write("aws.ecs_redeploy", **ON_ECS))[1]

    done = (scaled, back, grown, shrunk, redeployed)
    assert [one.message for one in done if one.ending is not Ending.SUCCEEDED] == []
    assert (scale_found, grow_found) == (True, True)
    assert (scaled.outputs["previous_count"], now.outputs["desired"]) == ("2", "2")
    assert (grown.outputs["previous_capacity"], after.outputs["desired"]) == ("1", "1")


async def test_what_is_not_there_or_not_possible_is_told_and_changes_nothing(
    bench: Definitions,
) -> None:
    failed = [
        (await bench.write("aws.ecs_scale", ecs_cluster="none", service="none", count=1))[1],
        (await bench.write("aws.rotate_secret", secret="shop/none"))[1],
    ]
    untouched = await bench.read("aws.groups", group="web")

    assert [one.message for one in failed if one.ending is not Ending.FAILED] == []
    assert [one.message for one in failed if "Nothing was changed" not in one.message] == []
    assert untouched.outputs["desired"] == "1"


async def test_reads_tell_facts_and_never_a_secrets_value(bench: Definitions) -> None:
    identity = await bench.read("aws.identity")
    clusters = await bench.read("aws.ecs_clusters")
    secret = await bench.read("aws.secret_dates", secret="shop/db")

    assert [one.message for one in (identity, clusters, secret) if not_done(one)] == []
    assert len(identity.outputs["account"]) == 12
    assert "not-to-be-seen" not in "\n".join(bench.lines)


def not_done(result: Any) -> bool:
    return bool(result.ending is not Ending.SUCCEEDED)
