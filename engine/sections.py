"""The branches of the settings: one class per part of Carapulse, each with safe defaults."""

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from engine.domain.questions import Stage
from engine.domain.reminding import Escalation

# `prod`, `prod/ledger`, `*/ledger`.
PLACE = r"([a-z0-9][a-z0-9._-]{0,62}|\*(?=/))(/[a-z0-9][a-z0-9._-]{0,62})?"
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# What deploy/sandbox.Dockerfile puts into the image.
SANDBOX_PROGRAMS = (
    *("amtool", "argocd", "aws", "boundary", "git", "helm", "kubectl", "psql", "python3", "vault"),
)


class Section(BaseModel):
    """A branch of the tree."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PostgresSettings(Section):
    """`dsn` is the application's role; only `up`, `migrate` and the chart know the owner's.

    `purge_dsn` is for `carapulse audit purge` alone.
    """

    dsn: SecretStr = SecretStr("")
    owner_dsn: SecretStr = SecretStr("")
    purge_dsn: SecretStr = SecretStr("")
    pool_size: int = Field(default=10, ge=2, le=200)
    statement_timeout_seconds: float = Field(default=10, gt=0)
    connect_timeout_seconds: float = Field(default=5, gt=0)


class RedisSettings(Section):
    """Empty: run without the live feed."""

    url: SecretStr = SecretStr("")


class TemporalSettings(Section):
    """Where the Temporal frontend listens, `host:port`."""

    address: str = ""
    namespace: str = "default"
    queue: str = "carapulse"
    connect_timeout_seconds: float = Field(default=5, gt=0)


class PolicySettings(Section):
    """Who decides what is allowed: `folder` adds Rego files beside ours.

    `stage` is what writes may do at most; `stages` says it by environment, `environment/service`
    or `*/service`.

    With `opa_url` an OPA server decides; with `standby` our own process does where that is down.
    `shadow_folder` (or `shadow_url`, an OPA server) is a candidate for `folder`: it is asked the
    same, nobody follows it, and `carapulse policy shadow` lists what it would answer differently.

    `roles` binds directory groups to roles of the rules, as in `{"platform": ["operators"]}`; a
    role that is bound here has these groups alone. An OPA server has them from its bundle.
    """

    opa_url: str = ""
    standby: bool = False
    folder: Path | None = None
    shadow_folder: Path | None = None
    shadow_url: str = ""
    roles: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    stage: Stage = "approve-all"
    stages: dict[str, Stage] = Field(default_factory=dict)
    timeout_seconds: float = Field(default=1.5, gt=0)

    @field_validator("stages")
    @classmethod
    def _places(cls, given: dict[str, Stage]) -> dict[str, Stage]:
        for name in given:
            if not re.fullmatch(PLACE, name):
                raise ValueError(f"{name!r} is no place: write prod, prod/ledger or */ledger")
        return given


class SlackSettings(Section):
    """`sockets` connections are held, so that one is always up. Budgets scale for benchmarks.

    With the transport `http` Slack comes to `/slack/events` of the sidecar, signed with
    `signing_secret`, and no app token is needed.
    """

    transport: Literal["socket", "http"] = "socket"
    signing_secret: SecretStr = SecretStr("")
    bot_token: SecretStr = SecretStr("")
    app_token: SecretStr = SecretStr("")
    base_url: str = "https://slack.com/api/"
    channel: str = ""
    sockets: int = Field(default=2, ge=1, le=10)
    budget_scale: float = Field(default=1.0, gt=0)


class HttpSettings(Section):
    """The sidecar. `public_url` is how people and webhooks reach it."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: str = ""


class HookSettings(Section):
    """Tokens that webhooks carry."""

    alertmanager_token: SecretStr = SecretStr("")


class LinearStates(Section):
    """Names of the team's workflow states: where a decision is waited for, and what decides."""

    waiting: str = "Todo"
    approve: str = "Done"
    reject: str = "Cancelled"


class LinearSettings(Section):
    """Approval issues in the team with the key `team`; without a key there are none.

    With `webhook_secret` Linear tells of moves; every `poll_seconds` they are asked for (0: never).
    """

    api_key: SecretStr = SecretStr("")
    url: str = "https://api.linear.app/graphql"
    team: str = ""
    states: LinearStates = LinearStates()
    labels: tuple[str, ...] = ("carapulse",)
    webhook_secret: SecretStr = SecretStr("")
    poll_seconds: float = Field(default=30, ge=0)
    timeout_seconds: float = Field(default=10, gt=0)


class PagerDutySettings(Section):
    """`routing_key` is an integration of the Events API, whose `url` differs in the EU.

    Webhooks are signed with one of `webhook_secrets`; there are several while they are changed.
    """

    routing_key: SecretStr = SecretStr("")
    url: str = "https://events.pagerduty.com/v2/enqueue"
    webhook_secrets: tuple[SecretStr, ...] = ()
    timeout_seconds: float = Field(default=10, gt=0)


class DirectorySettings(Section):
    """Who people are."""

    file: Path | None = None


Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
EVERYBODY = "*"
USUAL_SCOPES = (
    *("plan.read", "plan.create", "execution.read", "execution.operate"),
    *("tool.read", "tool.run"),
    *(f"{noun}.read" for noun in ("runbook", "playbook", "memory", "session")),
    *(f"{noun}.write" for noun in ("runbook", "playbook", "memory", "session")),
)


class ClaimSettings(Section):
    """Names of claims, or paths to them such as `realm_access.roles`."""

    subject: str = "sub"
    email: str = "email"
    groups: str = "groups"


class OidcSettings(Section):
    """The identity provider. Keys and endpoints are found below `issuer`.

    `audience` is what tokens for our API are made for; with `client_id` people can be asked to
    sign in again. `allowed_hosts` may have private addresses and be asked without TLS. `groups`
    says which directory group a group of a token stands for, `scopes` what people may ask of the
    API, by directory group; `*` is everybody of the directory.
    """

    issuer: str = ""
    audience: str = ""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    algorithms: tuple[Algorithm, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    claims: ClaimSettings = ClaimSettings()
    allowed_hosts: tuple[str, ...] = ()
    leeway_seconds: float = Field(default=30, ge=0, le=300)
    cache_seconds: float = Field(default=600, ge=10, le=3600)
    groups: dict[str, str] = Field(default_factory=dict)
    scopes: dict[str, tuple[str, ...]] = Field(default={EVERYBODY: USUAL_SCOPES})
    sign_in_seconds: float = Field(default=300, ge=60, le=1800)
    acr: str = ""


class ContextSettings(Section):
    """The service graph, the playbooks and workflows of your own, as files."""

    services_file: Path | None = None
    playbooks_folder: Path | None = None
    workflows_folder: Path | None = None


class KnowledgeSettings(Section):
    """Runbooks as Markdown files: a folder, and a git remote whose `runbooks_path` holds them.

    They are read again every `refresh_seconds`. `language` is how a file is searched that names
    none.
    """

    runbooks_folder: Path | None = None
    runbooks_remote: str = ""
    runbooks_branch: str = "main"
    runbooks_path: str = ""
    refresh_seconds: float = Field(default=300, ge=1)
    language: str = "english"


class SessionSettings(Section):
    """`required`: planning and executing need an open session."""

    required: bool = False


class KeySettings(Section):
    """Secret files: the gate's private key, and the folder of public keys that workers trust."""

    signing_key_file: Path | None = None
    public_keys_folder: Path | None = None


class AuditSettings(Section):
    """Rows older than `keep_days` may be purged by `carapulse audit purge`; without it never."""

    keep_days: int | None = Field(default=None, ge=30)


class ApprovalSettings(Section):
    """`emoji_max_risk`: the worst risk that an emoji may approve.

    Break-glass asks for a ticket that looks like `ticket_pattern`; people are shown
    `ticket_example`. What was approved by it is told
    once a day at `digest_at`, in `digest_channel` (that of Slack's settings where it is empty).

    Approvers are reminded at these fractions of their time (`remind_after`; empty: never). Of the
    `escalations` the first that fits a version calls others, once.
    """

    emoji_max_risk: Literal["none", "low", "medium"] = "low"
    ticket_pattern: str = r"[A-Z][A-Z0-9]{1,9}-[0-9]{1,7}"
    ticket_example: str = "OPS-1234"
    digest_at: time = time(9, 0)
    digest_channel: str = ""
    remind_after: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.5,)
    escalations: tuple[Escalation, ...] = ()

    @field_validator("ticket_pattern")
    @classmethod
    def _readable(cls, given: str) -> str:
        try:
            re.compile(given)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return given

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not re.fullmatch(self.ticket_pattern, self.ticket_example):
            raise ValueError(
                f"ticket_example: {self.ticket_example} does not look like ticket_pattern; "
                "give one that does"
            )
        return self


class AtOnceSettings(Section):
    """How many calls run at once: of each worker, tool, service and environment; 0 is no limit.

    `tools` and `environments` say it by name; undoing is never held up.
    """

    worker: int = Field(default=20, ge=0)
    tool: int = Field(default=0, ge=0)
    target: int = Field(default=0, ge=0)
    environment: int = Field(default=0, ge=0)
    tools: dict[str, int] = Field(default_factory=dict)
    environments: dict[str, int] = Field(default_factory=dict)


class ExecutionSettings(Section):
    """Waits, in seconds. `rollback_delay` counts from when the card shows the failure.

    While people are waited for they are reminded after `reminder` (0: never), then each time after
    twice as long, at most `reminder_longest`. `deadline` is for a whole execution without those
    waits (0: none). `start` says by environment whether an approved change starts at once or when
    somebody presses Run; `*` is any other environment. `at_once` limits the calls that run at once.
    """

    rollback_delay: float = Field(default=30, ge=0)
    rollback_latest: float = Field(default=60, ge=0)
    call_lease: float = Field(default=15, gt=1)
    kill_grace: float = Field(default=5, ge=0)
    reminder: float = Field(default=900, ge=0)
    reminder_longest: float = Field(default=14_400, ge=0)
    deadline: float = Field(default=21_600, ge=0)
    start: dict[str, Literal["on_approval", "manual"]] = Field(default_factory=dict)
    at_once: AtOnceSettings = AtOnceSettings()


class ClusterSettings(Section):
    """Where Jobs run; as the worker's own pod has it when nothing is said. `seccomp`: of a node."""

    url: str = "https://kubernetes.default.svc"
    namespace: str = "carapulse"
    token_file: Path = SERVICE_ACCOUNT / "token"
    ca_file: Path = SERVICE_ACCOUNT / "ca.crt"
    seccomp: str = ""


class SandboxSettings(Section):
    """What tool calls run in; sizes are MiB. `user` is uid:gid of an image that has our programs.

    With the runtime `process`, and for reads with `reads: process`, bubblewrap on this machine.
    Changes run so only where `local` is given, which `carapulse up` does: that is one machine.
    """

    runtime: Literal["docker", "podman", "kubernetes", "process"] = "docker"
    reads: Literal["container", "process"] = "container"
    local: bool = False
    socket: Path | None = None
    image: str = "carapulse-sandbox"
    programs: tuple[str, ...] = SANDBOX_PROGRAMS
    user: str = Field(default="65532:65532", pattern=r"^[1-9]\d{0,9}:[1-9]\d{0,9}$")
    memory: int = Field(default=1024, ge=64)
    files: int = Field(default=512, ge=16)
    processors: float = Field(default=1.0, ge=0.1, le=64)
    processes: int = Field(default=256, ge=16, le=10_000)
    seccomp: Path | None = None
    prepared: int = Field(default=1, ge=0, le=20)
    kubernetes: ClusterSettings = ClusterSettings()


class LogSettings(Section):
    """`format` text is for people, json for collectors."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["json", "text"] = "json"
