"""All configuration, read once at start. Nothing else looks at the environment.

Sources, the first wins: arguments, `CARAPULSE_*` variables, secret files, the YAML file.
Only entry points and `engine.wiring` read this module; others are given values.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)
from pydantic_settings.sources.utils import parse_env_vars

from engine.artifact_sections import ArtifactSettings
from engine.domain.freeze import Window
from engine.errors import ConfigurationError
from engine.model_sections import LlmSettings
from engine.sections import (
    ApprovalSettings,
    AuditSettings,
    ContextSettings,
    DirectorySettings,
    ExecutionSettings,
    HookSettings,
    HttpSettings,
    KeySettings,
    KnowledgeSettings,
    LinearSettings,
    LogSettings,
    OidcSettings,
    PagerDutySettings,
    PolicySettings,
    PostgresSettings,
    RedisSettings,
    SandboxSettings,
    SessionSettings,
    SlackSettings,
    TemporalSettings,
)
from engine.tool_sections import BoundarySettings, ToolSettings, VaultSettings
from engine.variables import PREFIX, NotJson, refuse_unknown, refuse_unreadable, told, usual

Tree = TypeVar("Tree", bound="Settings")


class Settings(BaseSettings):
    """The tree. Each process uses the part that it needs; an unknown key is an error."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
        secrets_nested_delimiter="__",
    )

    variables: ClassVar[Mapping[str, str]] = {}

    tenant: str = "default"
    timezone: str = "UTC"
    engine: Literal["temporal", "direct"] = "temporal"
    postgres: PostgresSettings = PostgresSettings()
    redis: RedisSettings = RedisSettings()
    temporal: TemporalSettings = TemporalSettings()
    policy: PolicySettings = PolicySettings()
    slack: SlackSettings = SlackSettings()
    http: HttpSettings = HttpSettings()
    hooks: HookSettings = HookSettings()
    linear: LinearSettings = LinearSettings()
    pagerduty: PagerDutySettings = PagerDutySettings()
    llm: LlmSettings = LlmSettings()
    directory: DirectorySettings = DirectorySettings()
    oidc: OidcSettings = OidcSettings()
    context: ContextSettings = ContextSettings()
    tools: ToolSettings = ToolSettings()
    vault: VaultSettings = VaultSettings()
    boundary: BoundarySettings = BoundarySettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    sessions: SessionSettings = SessionSettings()
    keys: KeySettings = KeySettings()
    approvals: ApprovalSettings = ApprovalSettings()
    audit: AuditSettings = AuditSettings()
    artifacts: ArtifactSettings = ArtifactSettings()
    execution: ExecutionSettings = ExecutionSettings()
    sandbox: SandboxSettings = SandboxSettings()
    windows: tuple[Window, ...] = ()
    log: LogSettings = LogSettings()

    @field_validator("timezone")
    @classmethod
    def _on_earth(cls, given: str) -> str:
        try:
            ZoneInfo(given)
        except (ValueError, ZoneInfoNotFoundError):
            raise ValueError("is no time zone, such as Europe/Berlin") from None
        return given

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, secret files, YAML."""
        return (
            init_settings,
            GivenVariables(settings_cls),
            NestedSecretsSettingsSource(file_secret_settings),
            YamlConfigSettingsSource(settings_cls),
        )

    @classmethod
    def load(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        over: Mapping[str, str] | None = None,
        under: Mapping[str, str] | None = None,
    ) -> Self:
        """Read everything. `CARAPULSE_CONFIG` names the YAML file, `CARAPULSE_SECRETS` a folder.

        `environ` replaces this process's variables; where others name the same ones, those of
        `over` win and those of `under` lose.
        Raises `ConfigurationError` that names each wrong key and never its value.
        """
        own = os.environ if environ is None else environ
        given = {**(under or {}), **own, **(over or {})}
        refuse_unknown(given, cls.model_fields)
        try:
            build: Callable[..., Self] = sources(cls, given)
            return build(**usual(given))
        except ValidationError as error:
            wrong = told(error, cls, given)
            raise ConfigurationError(f"The settings are wrong: {wrong}") from None
        except SettingsError as error:  # other causes than this one tell the value
            wrong = str(error.__cause__ if isinstance(error.__cause__, NotJson) else error)
            raise ConfigurationError(f"The settings are wrong: {wrong}.") from None


def sources(tree: type[Tree], environ: Mapping[str, str]) -> type[Tree]:
    """The tree bound to the files that the environment names."""
    config = tree.model_config.copy()
    if path := environ.get(f"{PREFIX}CONFIG"):
        refuse_unreadable(Path(path))
        config["yaml_file"] = path
    if folder := environ.get(f"{PREFIX}SECRETS"):
        if not Path(folder).is_dir():
            raise ConfigurationError(f"{PREFIX}SECRETS names {folder}, which is no folder.")
        config["secrets_dir"] = folder
    body = {"model_config": config, "__module__": tree.__module__, "variables": environ}
    return type(tree.__name__, (tree,), body)


class GivenVariables(EnvSettingsSource):
    """Variables as they were handed to `load`, which need not be this process's own."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        variables = self.settings_cls.variables if issubclass(self.settings_cls, Settings) else {}
        return parse_env_vars(variables)

    def decode_complex_value(self, field_name: str, field: FieldInfo | None, value: Any) -> Any:
        """Decode JSON; what is none is an error that names the variable."""
        try:
            return super().decode_complex_value(field_name, field, value)  # type: ignore[arg-type]
        except ValueError:
            same = (name.upper() for name, given in self.env_vars.items() if given == value)
            ours = [name for name in same if name.startswith(PREFIX)]
            named = [name for name in ours if name.endswith(field_name.upper())] or ours
            raise NotJson(" or ".join(named)) from None
