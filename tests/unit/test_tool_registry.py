"""What may be asked of a tool, and that what is frozen is exactly what its definition makes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.call import Comparison, Effect, Expectation
from engine.domain.draft import Reading
from engine.domain.model import Json
from engine.domain.plan import DraftStep, Step, StepKind
from engine.errors import Invalid, NotAllowed, NotFound
from engine.tools.fields import KINDS, Field, WrongValue, check
from engine.tools.registry import ToolRegistry
from tests.contract.tool_bench import PROD

REMOTE = "file:///srv/shop-config.git"
HEAD = "9f3c1e2" + "0" * 33
WRITE: dict[str, Json] = {
    "remote": REMOTE,
    "branch": "main",
    "path": "checkout/settings.yaml",
    "key": "pool_size",
    "value": "20",
    "expected_head": HEAD,
}
SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def registry() -> ToolRegistry:
    return ToolRegistry.load(
        connections={"prometheus": "http://127.0.0.1:9090"}, remotes=lambda: {REMOTE}
    )


def freeze(registry: ToolRegistry, action: str, given: dict[str, Json], number: int = 1) -> Step:
    tool, name = action.split(".")
    step = DraftStep(tool=tool, action=name, input=given, title="What a model says")
    return registry.freeze(step, PROD, number=number, mark=f"P-1/2/{number}")


def test_titles_of_writes_come_from_the_definition(registry: ToolRegistry) -> None:
    revert = {key: WRITE[key] for key in ("remote", "branch", "expected_head")}

    title = freeze(registry, "git.set_value", WRITE).title
    assert title == "Write pool_size = 20 to checkout/settings.yaml in shop-config"
    step = freeze(registry, "git.revert_commit", {**revert, "commit": HEAD})
    assert step.title == "Revert 9f3c1e2 in shop-config"
    assert step.kind is StepKind.ACT


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("api_token", "ghp_" + "abcdefghijklmnop1234567890abcdefgh12"),
        ("api_token", "ghp_abc"),
        ("database.password", "hunter2hunter2"),
        ("greeting", "ghp_" + "abcdefghijklmnop1234567890abcdefgh12"),
    ],
)
def test_a_secret_never_becomes_a_step_and_is_not_repeated(
    registry: ToolRegistry, key: str, value: str
) -> None:
    with pytest.raises(Invalid, match="Vault") as refused:
        freeze(registry, "git.set_value", {**WRITE, "key": key, "value": value})

    assert list(refused.value.fields) == ["value"]
    assert value not in f"{refused.value}{refused.value.fields}"


@pytest.mark.parametrize(
    ("key", "value"), [("max_tokens", "4000"), ("token_ttl_seconds", "300"), ("log_level", "debug")]
)
def test_a_setting_that_only_sounds_like_a_secret_is_drafted(
    registry: ToolRegistry, key: str, value: str
) -> None:
    step = freeze(registry, "git.set_value", {**WRITE, "key": key, "value": value})

    assert step.call.input["value"] == value


def test_a_write_is_frozen_with_its_mark_its_probe_and_its_way_back(
    registry: ToolRegistry,
) -> None:
    step = freeze(registry, "git.set_value", WRITE, number=3)

    assert step.effect is Effect.WRITE
    assert any("Carapulse-Step: P-1/2/3" in argv for argv in step.call.commands)
    assert step.probe
    assert step.probe.call.input["mark"] == "P-1/2/3"
    assert step.rollback
    assert step.rollback.input["commit"] == "{steps.3.commit}"
    assert step.rollback_probe
    assert step.rollback_probe.call.input["mark"] == "P-1/2/3-undo"


def test_a_definition_that_changed_renders_something_else(
    registry: ToolRegistry,
) -> None:
    call = freeze(registry, "git.set_value", WRITE).call
    body = registry.definition(call.definition)

    again = registry.rerender(call, body.replace("--force-with-lease", "--force"))

    assert registry.rerender(call, body) == call
    assert again != call


VALUES = st.text(min_size=1, max_size=30)


@given(value=VALUES, key=VALUES, path=VALUES, branch=VALUES)
def test_whatever_is_accepted_renders_the_same_again_with_no_argument_more(
    registry: ToolRegistry, value: str, key: str, path: str, branch: str
) -> None:
    wanted: dict[str, Json] = {**WRITE, "value": value}
    for name, text in (("key", key), ("path", f"{path}.yaml"), ("branch", branch)):
        try:
            check(Field(type=name), text)
        except WrongValue:
            continue
        wanted[name] = text
    try:
        step = freeze(registry, "git.set_value", wanted)
    except Invalid as error:
        refused = error.fields
    else:
        refused = {}
    if refused:
        assert set(refused) == {"value"}
        return

    body = registry.definition(step.call.definition)
    plain = freeze(registry, "git.set_value", WRITE)
    for call in (step.call, step.rollback):
        assert call
        assert registry.rerender(call, body) == call
    assert [len(one) for one in step.call.commands] == [len(one) for one in plain.call.commands]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("branch", "-x"),
        ("branch", "a..b"),
        ("branch", "a b"),
        ("branch", "HEAD"),
        ("path", "../secrets.yaml"),
        ("path", "/etc/passwd.yaml"),
        ("path", ".git/config.yaml"),
        ("path", "a//b.yaml"),
        ("path", "checkout/Makefile"),
        ("key", "a;b"),
        ("key", "__proto__.x y"),
        ("expected_head", "9f3c1e2"),
        ("expected_head", "{steps.1.commit}"),
        ("remote", "ext::sh -c id"),
        ("remote", "https://user:password@example.org/x.git"),
        ("remote", "ssh://-oProxyCommand=id/x"),
        ("remote", "file:///srv/other.git"),
        ("remote", "{steps.1.remote}"),
        ("value", "-x"),
        ("value", "a\nb"),
        ("value", "a\u202eb"),
        ("value", "e\u0301"),
        ("value", "x{steps.1.commit}"),
        ("value", ""),
        ("value", "x" * 501),
        ("mark", "P-1/1/1"),
        ("force", "true"),
    ],
)
def test_what_a_field_does_not_take_is_refused_by_its_name(
    registry: ToolRegistry, field: str, value: str
) -> None:
    with pytest.raises(Invalid) as refused:
        freeze(registry, "git.set_value", {**WRITE, field: value})

    assert list(refused.value.fields) == [field]


def hostile() -> list[str]:
    """The hostile arguments of the corpus for git and Prometheus, each by itself."""
    rows = (SHARED / "argument_injection.dev.jsonl").read_text().splitlines()
    wrong = [json.loads(row) for row in rows if '"expect": "deny"' in row]
    ours = [row for row in wrong if row["tool"] in ("git", "prometheus", "*")]
    arguments = {text for row in ours for text in row["argv"] if text.startswith("-")}
    return sorted(arguments | {row["flag"] for row in ours if row["flag"].startswith("-")})


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared test data is not here")
def test_no_field_takes_a_hostile_argument_of_the_corpus(registry: ToolRegistry) -> None:
    arguments = hostile()
    taken = []

    for field_type in KINDS:
        for argument in arguments:
            try:
                check(Field(type=field_type, choices=("a",)), argument, {REMOTE})
            except WrongValue:
                continue
            taken.append((field_type, argument))

    assert len(arguments) > 25
    # PromQL may begin with a minus; no definition can put it into an argument.
    assert {field_type for field_type, _ in taken} <= {"promql"}


def test_a_reference_has_to_point_back(registry: ToolRegistry) -> None:
    later: dict[str, Json] = {**WRITE, "value": "{steps.2.commit}"}

    assert freeze(registry, "git.set_value", later, number=3).call.input["value"] == (
        "{steps.2.commit}"
    )
    with pytest.raises(Invalid, match="does not come before"):
        freeze(registry, "git.set_value", later, number=2)


def test_a_check_needs_an_output_that_there_is_and_a_read(registry: ToolRegistry) -> None:
    read: dict[str, Json] = {"remote": REMOTE, "branch": "main"}

    def frozen(action: str, given: dict[str, Json], expect: Expectation) -> Step:
        step = DraftStep(tool="git", action=action, input=given, expect=expect)
        return registry.freeze(step, PROD, number=1, mark="m")

    good = frozen("head", read, Expectation(output="head", value="{steps.1.commit}"))
    assert good.kind is StepKind.VERIFY
    with pytest.raises(Invalid, match="names no output"):
        frozen("head", read, Expectation(output="haed", value="x"))
    with pytest.raises(Invalid, match="needs a number"):
        frozen("head", read, Expectation(output="head", comparison=Comparison.LESS, value="x"))
    with pytest.raises(Invalid, match="step of its own"):
        frozen("set_value", WRITE, Expectation(output="commit", value="x"))


def test_looking_never_changes_anything(registry: ToolRegistry) -> None:
    with pytest.raises(NotAllowed, match="changes something"):
        registry.read_call(Reading(tool="git", action="set_value", input=WRITE), PROD)


def test_an_unknown_tool_is_refused_with_what_there_is(registry: ToolRegistry) -> None:
    with pytest.raises(Invalid, match=r"There are: .*git, .*prometheus"):
        freeze(registry, "terraform.apply", {})
    with pytest.raises(NotFound):
        registry.definition("0" * 64)


def test_a_tool_without_a_connection_is_not_offered() -> None:
    registry = ToolRegistry.load(remotes=[REMOTE])

    assert {entry["tool"] for entry in registry.catalogue()} == {"git"}
    with pytest.raises(Invalid, match=r"Set tools\.connections\.prometheus\.url"):
        registry.read_call(Reading(tool="prometheus", action="query", input={"query": "up"}), PROD)


def test_a_query_can_not_leave_its_parameter(registry: ToolRegistry) -> None:
    call = registry.read_call(
        Reading(tool="prometheus", action="query", input={"query": "up&time=1#x/../../admin"}),
        PROD,
    )

    assert call.request
    assert call.request.url == (
        "http://127.0.0.1:9090/api/v1/query?query=up%26time%3D1%23x%2F..%2F..%2Fadmin"
    )
    assert call.hosts == ("127.0.0.1:9090",)


def objects(schema: Json) -> list[dict[str, Json]]:
    """Every object schema in a schema."""
    inner: list[Json] = []
    if isinstance(schema, list | dict):
        inner = list(schema.values()) if isinstance(schema, dict) else schema
    own = [schema] if isinstance(schema, dict) and schema.get("type") == "object" else []
    return own + [one for part in inner for one in objects(part)]


def test_the_schema_is_closed_everywhere_and_offers_no_probe(registry: ToolRegistry) -> None:
    schema = registry.schema()

    found = objects(schema)
    assert len(found) > 10
    for one in found:
        properties = one["properties"]
        assert isinstance(properties, dict)
        assert one["additionalProperties"] is False
        assert one["required"] == list(properties)
        assert "mark" not in properties
    assert "find_mark" not in json.dumps(schema)


def test_reads_only_lists_no_write(registry: ToolRegistry) -> None:
    everything = {entry["name"] for entry in registry.catalogue()}
    reads = {entry["name"] for entry in registry.catalogue(reads_only=True)}

    assert everything - reads == {"git.revert_commit", "git.restore", "git.set_value"}
