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
            "Tmpfs": {"/tmp": f"rw,noexec,nosuid,nodev,size={self.files},mode=1777"},  # noqa: S108
            "Ulimits": [
                {"Name": "core", "Soft": 0, "Hard": 0},
                {"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES},
                {"Name": "fsize", "Soft": FILE_SIZE, "Hard": FILE_SIZE},
            ],
            "Binds": list(binds),
            "LogConfig": LOG_NOTHING,
            "RestartPolicy": {"Name": "no"},
        }
