"""The artifact store: a folder and S3 hold the same; keys stay, and what is away is told."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import boto3  # type: ignore[import-untyped]
import pytest
import pytest_asyncio

from bot.local.ports import answers, free_port
from engine.artifact_sections import ArtifactSettings
from engine.artifacts.objects import PART, Bucket, Objects, in_bucket, in_folder
from engine.artifacts.spool import Spool
from engine.domain.artifact import Artifact, Source
from engine.domain.execution import Phase
from engine.domain.ids import ArtifactId, ExecutionId, Tenant, new_id
from engine.errors import ConfigurationError, NotFound, Unavailable
from engine.filing import filing
from engine.ground import now
from tests.contract.definitions.bench import until

KEY = "default/executions/0/1/act-1/2.log"
SECRET = "testing-secret"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def s3() -> AsyncIterator[str]:
    """A server that speaks S3 (moto), with one bucket."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.prefix) / "bin" / "moto_server"),
        f"-p{port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await until(lambda: answers(port))
        await asyncio.to_thread(made, url)
        yield url
    finally:
        process.kill()
        await process.wait()


def made(url: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket="outputs")


def bucket(endpoint: str, seconds: float = 20) -> Objects:
    asked = Bucket("s3://outputs/carapulse", endpoint, "us-east-1", "testing", SECRET)
    return in_bucket(asked, seconds)


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return in_folder(tmp_path / "store", 10)
    return bucket(request.getfixturevalue("s3"))


async def content(objects: Objects, key: str = KEY) -> bytes:
    return b"".join([piece async for piece in objects.read(key)])


def given(folder: Path, data: bytes) -> tuple[Path, int]:
    path = folder / "output"
    path.write_bytes(data)
    return path, len(data)


@pytest.mark.parametrize("size", [0, 100, PART, 2 * PART + 17])
async def test_what_is_stored_is_read_again(objects: Objects, tmp_path: Path, size: int) -> None:
    data, key = os.urandom(size), f"default/{size}/{new_id()}.log"

    await objects.put(key, *given(tmp_path, data))

    assert await content(objects, key) == data


@pytest.mark.parametrize("size", [100, PART + 1])
async def test_what_is_there_is_never_written_again(
    objects: Objects, tmp_path: Path, size: int
) -> None:
    first, key = os.urandom(size), f"default/first/{new_id()}.log"
    await objects.put(key, *given(tmp_path, first))

    await objects.put(key, *given(tmp_path, os.urandom(size)))

    assert await content(objects, key) == first


async def test_what_is_deleted_is_not_found_and_deleting_it_again_is_fine(
    objects: Objects, tmp_path: Path
) -> None:
    await objects.put(KEY, *given(tmp_path, b"x"))

    await objects.delete(KEY)
    await objects.delete(KEY)

    with pytest.raises(NotFound):
        await content(objects)


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", "a/../../b", "a//b", "a", "a/\x00", "ä/b", "a/.b"]
)
async def test_no_key_leads_out_of_the_store(objects: Objects, tmp_path: Path, key: str) -> None:
    path, size = given(tmp_path, b"x")

    with pytest.raises(NotFound):
        await objects.put(key, path, size)
    with pytest.raises(NotFound):
        await content(objects, key)
    with pytest.raises(NotFound):
        await objects.delete(key)


async def test_a_store_that_is_away_is_told_without_its_own_words(tmp_path: Path) -> None:
    nowhere = bucket(f"http://127.0.0.1:{free_port()}", 3)

    with pytest.raises(Unavailable) as told:
        await nowhere.put(KEY, *given(tmp_path, b"x"))
    with pytest.raises(Unavailable):
        await content(nowhere)

    assert "127.0.0.1" not in str(told.value)
    assert SECRET not in str(told.value)


async def test_the_folder_is_for_nobody_else(tmp_path: Path) -> None:
    in_folder(tmp_path / "store", 5)
    writing = await Spool(tmp_path / "spool").open(ArtifactId(new_id()))
    writing.release()

    (file,) = (tmp_path / "spool").iterdir()
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("store", "spool")] == [0o700] * 2
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("tenant", ["default", "a/../b", "Zürich", "", "x" * 300])
def test_a_tenant_of_any_name_is_one_part_of_a_key(tenant: str) -> None:
    source = Source(
        execution_id=ExecutionId(new_id()),
        step=1,
        phase=Phase.ACT,
        attempt=1,
    )

    artifact = Artifact.new(ArtifactId(new_id()), Tenant(tenant), source, "here", now())

    assert artifact.key.count("/") == 5
    assert ".." not in artifact.key


async def test_two_at_once_never_have_the_same_file(tmp_path: Path) -> None:
    spool, artifact_id = Spool(tmp_path / "spool"), ArtifactId(new_id())
    writing = await spool.open(artifact_id)
    await writing.write(b"ten bytes.")
    await writing.written()

    async with spool.held(artifact_id) as while_written:
        pass
    writing.release()
    async with spool.held(artifact_id) as mine, spool.held(artifact_id) as another:
        pass

    assert (while_written, another) == (None, None)
    assert mine is not None
    assert mine.size == 10


def test_an_address_that_is_none_is_refused_without_the_credentials() -> None:
    with pytest.raises(ConfigurationError) as told:
        in_bucket(Bucket("https://outputs", secret_access_key=SECRET), 5)

    assert SECRET not in str(told.value)


def test_without_a_store_nothing_is_kept_and_with_one_there_has_to_be_a_spool(
    tmp_path: Path,
) -> None:
    assert filing(ArtifactSettings()) is None
    assert filing(ArtifactSettings(folder=tmp_path / "store"))
    with pytest.raises(ConfigurationError, match="SPOOL_FOLDER"):
        filing(ArtifactSettings(url="s3://outputs"))
