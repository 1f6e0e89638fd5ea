"""The settings' branches of tools: connections, what is given to calls, Vault and Boundary."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from engine.sections import SERVICE_ACCOUNT, Section

FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,99}$")]
VaultPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@/-]{0,499}$")]
Mount = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*$")]
# They decide what runs, and no secret may.
OURS = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TZ"})
LOADERS = ("LD_", "DYLD_", "PYTHON", "GIT_CONFIG")


class Filled(Section):
    """What is made of a secret for one call: the token, variables of programs, files beside them.

    A `{field}` stands for the secret's (also `{field|json}`, `|url`, `|base64`). `login` names the
    file that the programs log in with, in the place of the connection's `file`.
    """

    token: str = ""
    variables: dict[VariableName, str] = Field(default_factory=dict)
    files: dict[FileName, str] = Field(default_factory=dict)
    login: str = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.login and self.login not in self.files:
            raise ValueError("login names none of the files")
        for name in self.variables:
            if name in OURS or name.startswith(LOADERS):
                raise ValueError(f"{name} is not for secrets")
        return self


class SecretSettings(Filled):
    """A path of Vault (`secret/data/checkout`, `database/creds/reader`), read for each call.

    With the method write it is asked with `body` (`kubernetes/creds/...`, `aws/sts/...`). What has
    a lease is revoked when the call is over.
    """

    path: VaultPath
    method: Literal["read", "write"] = "read"
    body: dict[str, str] = Field(default_factory=dict)


class TunnelSettings(Filled):
    """A target of Boundary that calls go through; its brokered credentials fill the rest."""

    target: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]
    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{0,100}$")] = ""


class Connection(Section):
    """How a tool reaches its system; `file` is what its programs log in with (a kubeconfig).

    A `token_file` is read for each call, so that whoever replaces it needs no restart. `secrets`
    are of Vault; `tunnel` is of Boundary. The connection of `kubectl_preview` or `helm_preview` is
    for dry runs at the server before approval, and for nothing else.
    """

    url: str = ""
    file: Path | None = None
    token: SecretStr = SecretStr("")
    token_file: Path | None = None
    secrets: tuple[SecretSettings, ...] = ()
    tunnel: TunnelSettings | None = None


class RedactionSettings(Section):
    """Beside the built-in rules, which nothing switches off.

    Of a pattern (RE2) the first group is masked, or all of it. On a line with a keyword everything
    that looks drawn by lot is.
    """

    patterns: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


class ToolSettings(Section):
    """`folder` holds your own definitions. `connections` is by tool name."""

    folder: Path | None = None
    redaction: RedactionSettings = RedactionSettings()
    connections: dict[str, Connection] = Field(default_factory=dict)
    git_remotes: tuple[str, ...] = ()
    work_folder: Path | None = None


class VaultSettings(Section):
    """Where Vault is, and how a worker logs in there.

    AppRole takes `role_id` and a `secret_id_file`, read again at each login; `wrapped` when the
    file holds a wrapping token. Kubernetes takes `role` and the service account's `jwt_file`.
    `mount` is that of the method, its own name when empty. `sink_file` gets each new token.
    """

    url: str = ""
    namespace: str = ""
    ca_file: Path | None = None
    method: Literal["approle", "kubernetes"] = "approle"
    mount: Mount = ""
    role_id: SecretStr = SecretStr("")
    secret_id_file: Path | None = None
    wrapped: bool = False
    role: str = ""
    jwt_file: Path = SERVICE_ACCOUNT / "token"
    sink_file: Path | None = None
    timeout_seconds: float = Field(default=5, gt=0, le=60)
    longest_wait_seconds: float = Field(default=60, ge=1, le=3600)
    sweep_seconds: float = Field(default=20, ge=1, le=3600)


class BoundarySettings(Section):
    """The controller, our token there, and the program that makes tunnels.

    A `token_file` is read for each tunnel. `start_seconds` is how long the program may take until
    it listens.
    """

    url: str = ""
    token: SecretStr = SecretStr("")
    token_file: Path | None = None
    ca_file: Path | None = None
    program: str = "boundary"
    timeout_seconds: float = Field(default=10, gt=0, le=60)
    start_seconds: float = Field(default=15, gt=0, le=120)
