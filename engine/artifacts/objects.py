"""The artifact store: a folder, or whatever speaks S3."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, S3Store

from engine.errors import ConfigurationError, NotFound, Unavailable

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig, S3Config

# S3 takes parts of 5 MiB and more; two at once are what a delivery has in memory.
PART = 5 << 20
AT_ONCE = 2
PIECE = 256 * 1024
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)+")
LONGEST_KEY = 500
DOWN = "The artifact store does not answer. What is stored there can be had when it is back."
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Bucket:
    """How an S3-compatible store is reached; empty credentials are those of the machine."""

    url: str
    endpoint: str = ""
    region: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    virtual_hosted_style: bool = False


@dataclass(frozen=True, slots=True)
class Objects:
    """Files by immutable key; what is there is never written again."""

    store: "ObjectStore"
    seconds: float = 30.0

    async def put(self, key: str, path: Path, size: int) -> None:
        """Store a file in pieces; one that is there already was delivered by us before.

        Raises `Unavailable`.
        """
        with translated():
            try:
                if size <= PART:
                    await self._soon(
                        obstore.put_async(
                            self.store, checked(key), path, mode="create", use_multipart=False
                        )
                    )
                elif not await self._there(key):
                    await self._in_parts(key, path)
            except AlreadyExistsError:
                return

    async def _in_parts(self, key: str, path: Path) -> None:
        """One that breaks off is never closed, and so never to be seen."""
        writer = obstore.open_writer_async(
            self.store, checked(key), buffer_size=PART, max_concurrency=AT_ONCE
        )
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PART):
                await self._soon(writer.write(piece))
        await self._soon(writer.close())

    async def _there(self, key: str) -> bool:
        try:
            await self._soon(obstore.head_async(self.store, key))
        except FileNotFoundError:
            return False
        return True

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """What is stored, in pieces. Raises `NotFound` or `Unavailable`."""
        with translated():
            try:
                found = await self._soon(obstore.get_async(self.store, checked(key)))
                pieces = found.stream(min_chunk_size=PIECE)
                while True:
                    piece = await self._soon(anext(pieces, None))
                    if piece is None:
                        return
                    yield bytes(piece)
            except FileNotFoundError:
                raise NotFound("The file is not in the artifact store any more.") from None

    async def delete(self, key: str) -> None:
        """Take it out; one that is gone is as good. Raises `Unavailable`."""
        with translated():
            try:
                await self._soon(obstore.delete_async(self.store, [checked(key)]))
            except FileNotFoundError:
                return

    async def _soon(self, call: Awaitable[Result]) -> Result:
        async with asyncio.timeout(self.seconds):
            return await call


@contextmanager
def translated() -> Iterator[None]:
    """What the store raises, in our words; its own text may hold an address or a credential."""
    try:
        yield
    except (BaseError, TimeoutError, OSError) as error:
        raise Unavailable("artifacts", DOWN) from error


def checked(key: str) -> str:
    """A key that stays where it belongs. Raises `NotFound` for any other."""
    if len(key) > LONGEST_KEY or not KEY.fullmatch(key):
        raise NotFound("There is no file of that name.")
    return key


def in_folder(folder: Path, seconds: float) -> Objects:
    """Files below a folder that only we can read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Objects(LocalStore(folder), seconds)


def in_bucket(bucket: Bucket, seconds: float) -> Objects:
    """Files in a bucket, below the path of its address. Raises `ConfigurationError`."""
    parts = urlsplit(bucket.url)
    if parts.scheme != "s3" or not parts.hostname:
        raise ConfigurationError("The artifact store's address has to look like s3://BUCKET/PATH.")
    config: S3Config = {"virtual_hosted_style_request": bucket.virtual_hosted_style}
    given = {
        "endpoint": bucket.endpoint,
        "region": bucket.region,
        "access_key_id": bucket.access_key_id,
        "secret_access_key": bucket.secret_access_key,
    }
    for name, value in given.items():
        if value:
            config[name] = value  # type: ignore[literal-required]  # names of the same class
    plain = bucket.endpoint.startswith("http://")
    client: ClientConfig = {"allow_http": plain, "timeout": f"{int(seconds)}s"}
    retry: RetryConfig = {"max_retries": 2}
    try:
        store = S3Store(
            parts.hostname,
            prefix=parts.path.strip("/") or None,
            config=config,
            client_options=client,
            retry_config=retry,
        )
    except BaseError as error:
        raise ConfigurationError(
            f"The artifact store can't be used as it is set ({type(error).__name__})."
        ) from None
    return Objects(store, seconds)
