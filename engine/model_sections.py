"""The settings' branches of language models: providers, prices, budgets."""

from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from engine.sections import Section


class ModelProvider(Section):
    """One model. Prices are dollars per million tokens; without them only tokens are counted.

    `base_url`, `api_key` and `model` are those of the kind where they are left out.
    """

    kind: Literal["openai", "anthropic", "codex"]
    name: str = Field(default="", pattern=r"^[a-z0-9-]{0,30}$")
    model: str = ""
    base_url: str = ""
    api_key: SecretStr = SecretStr("")
    input_price: Decimal = Field(default=Decimal(0), ge=0)
    cached_price: Decimal = Field(default=Decimal(0), ge=0)
    output_price: Decimal = Field(default=Decimal(0), ge=0)


class ModelBudget(Section):
    """The most for one day (UTC), for all and for each person; 0 is no limit."""

    tokens_per_day: int = Field(default=0, ge=0)
    tokens_per_person: int = Field(default=0, ge=0)
    dollars_per_day: Decimal = Field(default=Decimal(0), ge=0)
    dollars_per_person: Decimal = Field(default=Decimal(0), ge=0)


class CodexSettings(Section):
    """An OpenAI Codex subscription; `carapulse llm auth` writes the token file."""

    token_file: Path | None = None
    issuer: str = "https://auth.openai.com"
    client_id: str = "app_EMoamEEZ73f0CkXaXp7hrann"
    base_url: str = "https://chatgpt.com/backend-api/codex"
    model: str = "gpt-5.1-codex"


class LlmSettings(Section):
    """`providers` in the order in which they are asked; empty: those that there are keys for.

    Without any the offline planner drafts. `timeout_seconds` is for one question with its
    retries, `deadline_seconds` for a draft; `reads` and `look_seconds` limit an investigation.
    """

    providers: tuple[ModelProvider, ...] = ()
    openai_api_key: SecretStr = SecretStr("")
    openai_base_url: str = "https://api.openai.com/v1"
    anthropic_api_key: SecretStr = SecretStr("")
    anthropic_base_url: str = "https://api.anthropic.com"
    anthropic_model: str = "claude-sonnet-4-5"
    codex: CodexSettings = CodexSettings()
    model: str = "gpt-5.1"
    timeout_seconds: float = Field(default=60, gt=0)
    deadline_seconds: float = Field(default=150, gt=0)
    repair_rounds: int = Field(default=2, ge=0, le=5)
    reads: int = Field(default=12, ge=0, le=30)
    look_seconds: float = Field(default=60, ge=0)
    prompt_tokens: int = Field(default=24_000, ge=2_000, le=1_000_000)
    output_tokens: int = Field(default=8_000, ge=500, le=100_000)
    budget: ModelBudget = ModelBudget()
    breaker_failures: int = Field(default=5, ge=1)
    breaker_seconds: float = Field(default=30, gt=0)
