"""Settings: every way in, no unknown key anywhere, and no value in an error."""

import json
from pathlib import Path

import pytest

from bot.cli.doctor_rules import staged
from engine.errors import ConfigurationError
from engine.settings import Settings

SECRET = "hunter2-do-not-print"


def test_without_anything_there_are_defaults() -> None:
    settings = Settings.load({})

    assert settings.tenant == "default"
    assert settings.policy.stage == "approve-all"


def test_a_variable_reaches_its_branch() -> None:
    settings = Settings.load({"CARAPULSE_POSTGRES__DSN": "postgresql://db/x"})

    assert settings.postgres.dsn.get_secret_value() == "postgresql://db/x"
    assert settings.postgres.pool_size == 10


def test_a_branch_can_be_json_and_single_variables_add_to_it() -> None:
    settings = Settings.load(
        {
            "CARAPULSE_EXECUTION": '{"rollback_delay": 5, "call_lease": 20}',
            "CARAPULSE_EXECUTION__CALL_LEASE": "30",
            "CARAPULSE_TOOLS__GIT_REMOTES": '["https://git.example/a.git"]',
            "CARAPULSE_TOOLS__CONNECTIONS": '{"shop": {"url": "http://shop"}}',
        }
    )

    assert settings.execution.rollback_delay == 5
    assert settings.execution.call_lease == 30
    assert settings.tools.git_remotes == ("https://git.example/a.git",)
    assert settings.tools.connections["shop"].url == "http://shop"


def test_a_file_a_secret_and_a_variable_win_in_that_order(tmp_path: Path) -> None:
    config = tmp_path / "carapulse.yaml"
    config.write_text("tenant: acme\nhooks: {alertmanager_token: one}\nredis: {url: one}\n")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "carapulse_hooks__alertmanager_token").write_text("two\n")
    (secrets / "carapulse_redis__url").write_text("two")

    settings = Settings.load(
        {
            "CARAPULSE_CONFIG": str(config),
            "CARAPULSE_SECRETS": str(secrets),
            "CARAPULSE_REDIS__URL": "three",
        }
    )

    assert settings.tenant == "acme"
    assert settings.hooks.alertmanager_token.get_secret_value() == "two"
    assert settings.redis.url.get_secret_value() == "three"


@pytest.mark.parametrize(
    "name",
    [
        "CARAPULSE_TENNANT",
        "CARAPULSE_POSTGRESS__DSN",
        "CARAPULSE_POSTGRES__DNS",
        "CARAPULSE_TOOLS__CONNECTIONS__SHOP__URI",
        "CARAPULSE_EXECUTION__ROLLBACK__DELAY",
    ],
)
def test_a_mistyped_variable_is_named_at_every_level(name: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings.load({name: SECRET})

    said = str(error.value).upper()
    assert name.removeprefix("CARAPULSE_").split("__")[0] in said
    assert SECRET.upper() not in said


@pytest.mark.parametrize(
    "text",
    [
        "tennant: x",
        "postgres: {dns: x}",
        "tools: {connections: {shop: {uri: x}}}",
        "a: {b: {c: 1}}",
    ],
)
def test_a_mistyped_key_of_the_file_is_named(tmp_path: Path, text: str) -> None:
    config = tmp_path / "carapulse.yaml"
    config.write_text(text)

    with pytest.raises(ConfigurationError, match="is no setting"):
        Settings.load({"CARAPULSE_CONFIG": str(config)})


@pytest.mark.parametrize(
    "environ",
    [
        {"CARAPULSE_POSTGRES": f'{{"dsn": "{SECRET}"'},
        {"CARAPULSE_POSTGRES": f'["{SECRET}"]'},
        {"CARAPULSE_POSTGRES__POOL_SIZE": SECRET},
        {"CARAPULSE_POLICY__STAGE": SECRET},
        {"CARAPULSE_TOOLS__GIT_REMOTES": SECRET},
        {"CARAPULSE_HTTP__PORT": SECRET},
    ],
)
def test_a_wrong_value_is_an_error_that_does_not_tell_it(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings.load(environ)

    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    "text", [f"postgres: {{dsn: {SECRET}", f"- {SECRET}", f"{SECRET}", "\x00", "a: b: c"]
)
def test_a_file_that_is_no_settings_file_is_an_error_that_does_not_tell_it(
    tmp_path: Path, text: str
) -> None:
    config = tmp_path / "carapulse.yaml"
    config.write_text(text)

    with pytest.raises(ConfigurationError) as error:
        Settings.load({"CARAPULSE_CONFIG": str(config)})

    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("LLM__REEDS", "llm.reads"),
        ("POSTGRES__POOLSIZE", "postgres.pool_size"),
        ("LLM__BUDGET__TOKENS_A_DAY", "llm.budget.tokens_per_day"),
        ("TOOLS__CONNECTIONS__SHOP__URI", "tools.connections.shop.url"),
        ("LLM__CODEX__TOKENFILE", "llm.codex.token_file"),
    ],
)
def test_what_a_mistyped_variable_meant_is_said(name: str, meant: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings.load({f"CARAPULSE_{name}": SECRET})

    assert f"(CARAPULSE_{name}) is no setting." in str(error.value)
    assert f"Did you mean {meant}?" in str(error.value)


def test_what_a_mistyped_key_in_a_list_meant_is_said() -> None:
    given = {"CARAPULSE_LLM__PROVIDERS": '[{"kind": "openai", "modle": "x"}]'}

    with pytest.raises(ConfigurationError, match=r"Did you mean llm\.providers\.0\.model\?"):
        Settings.load(given)


@pytest.mark.parametrize("name", ["CARAPULSE_LLM__PROVIDERS", "CARAPULSE_LLM"])
def test_a_variable_that_is_no_json_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings.load({name: f"[{SECRET}"})

    assert f"{name} is no JSON." in str(error.value)
    assert "GivenVariables" not in str(error.value)
    assert SECRET not in str(error.value)


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    config = tmp_path / "carapulse.yaml"
    config.write_text("# nothing yet\n")

    assert Settings.load({"CARAPULSE_CONFIG": str(config)}).tenant == "default"


def test_files_that_are_not_there_are_errors(tmp_path: Path) -> None:
    for name in ("CARAPULSE_CONFIG", "CARAPULSE_SECRETS"):
        with pytest.raises(ConfigurationError, match=name):
            Settings.load({name: str(tmp_path / "nowhere")})


def test_a_secret_file_with_a_mistyped_name_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "carapulse_redis__uri").write_text(SECRET)

    with pytest.raises(ConfigurationError) as error:
        Settings.load({"CARAPULSE_SECRETS": str(tmp_path)})

    assert SECRET not in str(error.value)


def test_usual_names_are_read_and_ours_win() -> None:
    settings = Settings.load(
        {
            "SLACK_BOT_TOKEN": "xoxb-usual",
            "OPENAI_API_KEY": "usual",
            "CARAPULSE_LLM__OPENAI_API_KEY": "ours",
        }
    )

    assert settings.slack.bot_token.get_secret_value() == "xoxb-usual"
    assert settings.llm.openai_api_key.get_secret_value() == "ours"


def test_what_kubernetes_injects_is_left_alone() -> None:
    settings = Settings.load(
        {"CARAPULSE_PORT": "tcp://10.0.0.1:80", "CARAPULSE_SERVICE_HOST": "10.0.0.1"}
    )

    assert settings.http.port == 8080


def test_secrets_are_not_in_the_text_of_the_tree() -> None:
    settings = Settings.load(
        {
            "CARAPULSE_POSTGRES__DSN": SECRET,
            "CARAPULSE_TOOLS__CONNECTIONS": f'{{"a": {{"token": "{SECRET}"}}}}',
        }
    )

    assert SECRET not in repr(settings)
    assert SECRET not in settings.model_dump_json()


@pytest.mark.parametrize("place", ["Prod", "prod/", "/ledger", "*", "prod/ledger/x", "prod ledger"])
def test_a_stage_of_no_place_stops_the_start_and_is_named(place: str) -> None:
    with pytest.raises(ConfigurationError, match="stages"):
        Settings.load({"CARAPULSE_POLICY__STAGES": json.dumps({place: "low-auto"})})


def test_an_example_of_a_ticket_looks_like_one() -> None:
    with pytest.raises(ConfigurationError, match="ticket_example"):
        Settings.load({"CARAPULSE_APPROVALS__TICKET_PATTERN": "INC[0-9]+"})


def test_a_stage_of_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_text("services: [{name: ledger, environments: [prod]}]\nenvironments: {prod: {}}\n")
    stages = {
        "prod": "approve-all",
        "*/ledger": "low-auto",
        "prdo": "read-only",
        "prod/lgr": "low-auto",
    }
    given = {
        "CARAPULSE_CONTEXT__SERVICES_FILE": str(file),
        "CARAPULSE_POLICY__STAGES": json.dumps(stages),
    }

    (found,) = staged(Settings.load(given))

    assert found.found.endswith("does not: prdo, prod/lgr")
