"""A Docker engine and a small image for tests, made of what this machine has; no registry."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Literal

import psutil
import pytest

IMAGE = "carapulse-sandbox-test:latest"
START_SECONDS = 40.0
PYTHON = Path("/usr/bin/python3")
LEFT_OUT = ("test", "idlelib", "__pycache__", "lib2to3", "ensurepip", "pydoc_data", "config-")
LINKS = ("sh", "cat", "ls", "sleep", "true", "mount", "ping", "nslookup", "wget", "id", "ps")
PASSWD = b"root:x:0:0::/:/bin/sh\ntool:x:65532:65532::/tmp:/bin/sh\n"


@dataclass(frozen=True, slots=True)
class ContainerEngine:
    """An engine that answers, with the image of the tests."""

    socket: Path
    image: str = IMAGE
    kind: Literal["docker", "podman"] = "docker"


def why_no_docker() -> str:
    """Why there is no engine on this machine, or nothing."""
    if os.geteuid() != 0:
        return "a Docker engine of our own needs root"
    if shutil.which("dockerd") is None:
        return "no dockerd on the PATH (Debian docker.io)"
    return why_no_image()


def why_no_image() -> str:
    """Why no image can be made on this machine, or nothing."""
    if not PYTHON.exists():
        return "no system Python to make an image of"
    for program in ("git", "busybox"):
        if shutil.which(program) is None:
            return f"no {program} to make an image of (Debian git, busybox-static)"
    return ""


@contextmanager
def docker_engine() -> Iterator[ContainerEngine]:
    """Our own engine, apart from any other: its own data, socket and state. No bridge, no rules."""
    if reason := why_no_docker():
        pytest.skip(reason)
    with _folder() as folder:
        arguments = [
            *("dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"),
            *("--pidfile", f"{folder}/pid", "--host", f"unix://{folder}/s", "--log-level=warn"),
            *("--bridge=none", "--iptables=false", "--ip6tables=false"),
        ]
        with _serving(arguments, folder):
            yield ContainerEngine(folder / "s")


@contextmanager
def podman_engine() -> Iterator[ContainerEngine]:
    """Podman's service on a socket of our own, with its own storage."""
    if os.geteuid() != 0 or shutil.which("podman") is None:
        pytest.skip("no podman on the PATH (Debian podman), or not root")
    if reason := why_no_image():
        pytest.skip(reason)
    with _folder() as folder:
        arguments = [
            *("podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run"),
            *("--tmpdir", f"{folder}/tmp", "--cgroup-manager=cgroupfs", "--events-backend=none"),
            *(["--runtime=runc"] if shutil.which("runc") else []),  # crun refuses mixed cgroups
            *("system", "service", "--time=0", f"unix://{folder}/s"),
        ]
        with _serving(arguments, folder):
            yield ContainerEngine(folder / "s", kind="podman")


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder with a short path: sockets are in it."""
    folder = Path(tempfile.mkdtemp(prefix="cpd-"))
    try:
        yield folder
    finally:
        for one in psutil.process_iter(["cmdline"]):  # Podman's monitors outlive it by minutes
            if any(str(folder) in word for word in one.info["cmdline"] or ()):
                with suppress(psutil.Error):
                    one.kill()
        subprocess.run(
            ["/bin/umount", "-R", "-l", folder / "root" / "overlay"], capture_output=True
        )
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _serving(arguments: list[str], folder: Path) -> Iterator[None]:
    """Run the engine's service, with the image, for as long as the block lasts."""
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(
            arguments, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
    try:
        if not _answers(folder / "s", daemon):
            said = (folder / "log").read_text(errors="replace").strip().rsplit("\n", 1)[-1]
            pytest.skip(f"{arguments[0]} does not run here: {said}")
        load_image(folder / "s")
        yield
    finally:
        daemon.terminate()
        try:
            daemon.wait(20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _answers(path: Path, daemon: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and daemon.poll() is None:
        if _asked(path, "GET", "/version") == HTTPStatus.OK:
            return True
        time.sleep(0.1)  # the engine has no other way to tell
    return False


def load_image(path: Path, image: str = IMAGE, more: Sequence[Path] = ()) -> None:
    """Import an image into an engine, with more programs that need no library."""
    name, tag = image.split(":")
    target = f"/images/create?fromSrc=-&repo={name}&tag={tag}"
    assert _asked(path, "POST", target, image_archive(more)) == HTTPStatus.OK


def _asked(path: Path, method: str, target: str, body: bytes | None = None) -> int:
    """One request to an engine, without a loop: fixtures are made within one. 0 is no answer."""
    connection = HTTPConnection("engine", timeout=60)
    connection.sock = socket(AF_UNIX)
    try:
        connection.sock.connect(str(path))
        connection.request(method, target, body)
        answer = connection.getresponse()
        answer.read()
    except OSError:
        return 0
    finally:
        connection.close()
    return answer.status


def image_archive(more: Sequence[Path] = ()) -> bytes:
    """Python, git and busybox of this machine, with the libraries that they load."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("bin", "etc", "proc", "sys", "dev", "tmp", "run", "usr/bin", "usr/lib"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(folder)
        _text(tar, "etc/passwd", PASSWD)
        _text(tar, "etc/group", b"root:x:0:\ntool:x:65532:\n")
        for link in LINKS:
            _link(tar, f"bin/{link}", "busybox")
        busybox = Path(shutil.which("busybox") or "")
        python, git = PYTHON.resolve(), Path(shutil.which("git") or "").resolve()
        tar.add(busybox.resolve(), "bin/busybox")
        tar.add(python, "usr/bin/python3")
        tar.add(git, "usr/bin/git")
        for program in more:
            tar.add(program.resolve(), f"usr/bin/{program.name}")
        library = Path("/usr/lib") / python.name
        tar.add(library, str(library).lstrip("/"), filter=_kept)
        remote = Path("/usr/lib/git-core/git-remote-http")
        tar.add(remote, "usr/lib/git-core/git-remote-http")
        _link(tar, "usr/lib/git-core/git-remote-https", "git-remote-http")
        for name in ("git", "git-upload-pack", "git-receive-pack"):
            _link(tar, f"usr/lib/git-core/{name}", "/usr/bin/git")
            if name != "git":
                _link(tar, f"usr/bin/{name}", "git")
        extensions = (library / "lib-dynload").glob("_ctypes.*.so")
        for one in sorted(_libraries(python, git, remote, *extensions)):
            tar.add(Path(one).resolve(), one.lstrip("/"))
    return archive.getvalue()


def _kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = entry.name.split("/")
    return None if any(part.startswith(LEFT_OUT) for part in parts) else entry


def _libraries(*programs: Path) -> set[str]:
    found: set[str] = set()
    for program in programs:
        told = subprocess.run(["/usr/bin/ldd", program], capture_output=True, text=True, check=True)
        found |= {word for word in told.stdout.split() if word.startswith("/")}
    return found


def _text(tar: tarfile.TarFile, name: str, text: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text), 0o644
    tar.addfile(entry, io.BytesIO(text))


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)
