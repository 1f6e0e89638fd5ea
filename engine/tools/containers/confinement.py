"""How a container is closed: everything that is asked of the engine, in one place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.domain.model import Json
from engine.resources import shipped
from engine.tools.process import PROGRAMS

INSIDE = "/tmp/call"  # noqa: S108 (a fresh tmpfs of the container, not the machine's)
INSIDE_HOME = "/tmp/home"  # noqa: S108
INSIDE_LOGIN = "/tmp/login"  # noqa: S108
# The gate's socket and the hosts file are in folders of the call that the container is shown.
GATE_FOLDER = "/run/carapulse"
GATE = f"{GATE_FOLDER}/gate"
FIRST_PROCESS = Path(__file__).with_name("inside.py")
FILE_SIZE = 1 << 30
OPEN_FILES = 1024
USER_PROCESSES = 4096
LOG_NOTHING: Json = {"Type": "none", "Config": {}}


@dataclass(frozen=True, slots=True)
class Confinement:
    """Limits of one container; sizes are bytes. `user` is uid:gid, and never 0.

    `engine` decides how the seccomp profile is handed over: Docker takes its text, Podman its path.
    """

    image: str
    user: str = "65532:65532"
    memory: int = 1 << 30
    processors: float = 1.0
    processes: int = 256
    files: int = 512 << 20
    seccomp: Path | None = None
    engine: Literal["docker", "podman"] = "docker"

    def profile(self) -> Path:
        """The seccomp profile: the user's, or ours."""
        return self.seccomp or shipped("deploy") / "seccomp.json"

    def container(
        self,
        first_process: str,
        profile: str,
        binds: Sequence[str],
        labels: Mapping[str, str],
    ) -> dict[str, Json]:
        """The body that makes the container.

        Args:
            first_process: source of what runs first.
            profile: the seccomp profile, as the engine takes it.
            binds: folders and files of the machine, `from:to:mode`.
            labels: whose it is.
        """
        return {
            "Image": self.image,
            "User": self.user,
            "Entrypoint": [],
            "Cmd": ["python3", "-I", "-S", "-c", first_process],
            "Env": [f"PATH={PROGRAMS}", "LANG=C.UTF-8"],
            "WorkingDir": "/",
            "Hostname": "sandbox",
            "OpenStdin": True,
            "StdinOnce": True,
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "NetworkDisabled": True,
            "Labels": dict(labels),
            "HostConfig": self._host(profile, binds),
        }

    def _host(self, profile: str, binds: Sequence[str]) -> Json:
        return {
            "AutoRemove": True,
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "Privileged": False,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges", f"seccomp={profile}"],
            "CgroupnsMode": "private",
            "IpcMode": "private",
            "Memory": self.memory,
            "MemorySwap": self.memory,
            "NanoCpus": int(self.processors * 1e9),
            "PidsLimit": self.processes,
            "OomScoreAdj": 500,
            "ShmSize": 16 << 20,
            "Tmpfs": {"/tmp": f"rw,noexec,nosuid,nodev,size={self.files},{self._owned()}"},  # noqa: S108
            "Ulimits": [
                {"Name": name, "Soft": most, "Hard": most} for name, most in self._most().items()
            ],
            "Binds": list(binds),
            "LogConfig": LOG_NOTHING,
            "RestartPolicy": {"Name": "no"},
        }

    def _owned(self) -> str:
        """Podman knows no owner of a tmpfs; the folders in it are the user's alone anyway."""
        uid, _, gid = self.user.partition(":")
        return "mode=1777" if self.engine == "podman" else f"mode=0700,uid={uid},gid={gid}"

    def _most(self) -> dict[str, int]:
        """Limits of each process. Podman's own for the user's processes fails in containers."""
        most = {"core": 0, "nofile": OPEN_FILES, "fsize": FILE_SIZE}
        return most | {"nproc": USER_PROCESSES} if self.engine == "podman" else most
