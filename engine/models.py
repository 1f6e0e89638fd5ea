"""The language models as the settings ask for them, with their budgets and breakers."""

import time
from collections.abc import Iterator
from decimal import Decimal

from pydantic import SecretStr

from engine.domain.breaker import Breaker
from engine.domain.spending import Allowance
from engine.errors import ConfigurationError
from engine.llm.anthropic import Anthropic
from engine.llm.codex import Codex
from engine.llm.exchange import Provider, ProviderSettings, Usage
from engine.llm.investigation import LookLimits
from engine.llm.login import Issuer
from engine.llm.openai import OpenAI
from engine.llm.planner import PlannerSettings
from engine.llm.routing import Route, Router
from engine.llm.token_file import TokenFile
from engine.model_sections import LlmSettings, ModelProvider
from engine.ports import Spending
from engine.telemetry.metrics import Metrics
from engine.tools.redaction import Redactor

MICRO = 1_000_000


def listed(llm: LlmSettings) -> tuple[ModelProvider, ...]:
    """The providers in the order in which they are asked."""
    if llm.providers:
        return llm.providers
    found = []
    if llm.openai_api_key.get_secret_value():
        found.append(ModelProvider(kind="openai"))
    if llm.anthropic_api_key.get_secret_value():
        found.append(ModelProvider(kind="anthropic"))
    if llm.codex.token_file and llm.codex.token_file.exists():
        found.append(ModelProvider(kind="codex"))
    return tuple(found)


def router(
    llm: LlmSettings, *, spending: Spending | None, redactor: Redactor, metrics: Metrics
) -> Router:
    """All of them; each has a breaker of its own."""
    return Router(
        routes=tuple(
            Route(one, Breaker(llm.breaker_failures, llm.breaker_seconds, time.monotonic))
            for one in providers(llm)
        ),
        spending=spending,
        redact=redactor.text,
        on_usage=lambda used: count(metrics, used),
    )


def providers(llm: LlmSettings) -> tuple[Provider, ...]:
    """Raises `ConfigurationError` where two have one name, or one lacks what it needs."""
    made = tuple(_provider(llm, one) for one in listed(llm))
    names = [one.settings.name for one in made]
    if len(set(names)) < len(names):
        raise ConfigurationError(
            f"Two of llm.providers have one name ({', '.join(names)}). Give each its own `name`."
        )
    return made


def planning(llm: LlmSettings) -> PlannerSettings:
    """How the planner asks."""
    return PlannerSettings(
        deadline_seconds=llm.deadline_seconds,
        repair_rounds=llm.repair_rounds,
        prompt_tokens=llm.prompt_tokens,
        looks=LookLimits(llm.reads, llm.look_seconds),
    )


def allowance(llm: LlmSettings) -> Allowance:
    """What may be spent in a day."""
    budget = llm.budget
    return Allowance(
        tokens_per_day=budget.tokens_per_day,
        tokens_per_person=budget.tokens_per_person,
        microdollars_per_day=int(budget.dollars_per_day * MICRO),
        microdollars_per_person=int(budget.dollars_per_person * MICRO),
    )


def secrets(llm: LlmSettings) -> Iterator[str]:
    """Keys that must never appear in any output."""
    yield llm.openai_api_key.get_secret_value()
    yield llm.anthropic_api_key.get_secret_value()
    yield from (one.api_key.get_secret_value() for one in llm.providers)


def count(metrics: Metrics, used: Usage) -> None:
    """What one question to a model cost."""
    model = f"{used.provider}:{used.model}"
    metrics.llm(model, used.ending, used.seconds)
    tokens = used.tokens
    metrics.llm_tokens(model, "input", tokens.input - tokens.cached)
    metrics.llm_tokens(model, "cached", tokens.cached)
    metrics.llm_tokens(model, "output", tokens.output)
    metrics.llm_cost(model, used.microdollars / MICRO)


def _provider(llm: LlmSettings, one: ModelProvider) -> Provider:
    if one.kind == "codex":
        return _codex(llm, one)
    if one.kind == "anthropic":
        return Anthropic(
            _settings(llm, one, llm.anthropic_base_url, llm.anthropic_model),
            _key(one, llm.anthropic_api_key),
        )
    return OpenAI(
        _settings(llm, one, llm.openai_base_url, llm.model), _key(one, llm.openai_api_key)
    )


def _codex(llm: LlmSettings, one: ModelProvider) -> Provider:
    codex = llm.codex
    if codex.token_file is None:
        raise ConfigurationError(
            "A Codex subscription needs CARAPULSE_LLM__CODEX__TOKEN_FILE; `carapulse llm auth "
            "login` writes it."
        )
    issuer = Issuer(codex.issuer, codex.client_id)
    settings = _settings(llm, one, codex.base_url, codex.model)
    return Codex(settings, TokenFile(codex.token_file), issuer)


def _key(one: ModelProvider, usual: SecretStr) -> SecretStr:
    """A provider elsewhere never gets the key of the usual place."""
    return one.api_key if one.api_key.get_secret_value() or one.base_url else usual


def _settings(llm: LlmSettings, one: ModelProvider, url: str, model: str) -> ProviderSettings:
    return ProviderSettings(
        name=one.name or one.kind,
        model=one.model or model,
        base_url=one.base_url or url,
        timeout_seconds=llm.timeout_seconds,
        output_tokens=llm.output_tokens,
        input_price=_price(one.input_price),
        cached_price=_price(one.cached_price or one.input_price),
        output_price=_price(one.output_price),
    )


def _price(dollars: Decimal) -> int:
    """Microdollars per million tokens."""
    return int(dollars * MICRO)
