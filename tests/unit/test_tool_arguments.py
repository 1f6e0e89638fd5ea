"""Typed command lines become actions by an allowlist; no value ever becomes an argument more."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cli.tools import answers
from bot.cli.tools import tools as tools_command
from engine.domain.context import ContextRef
from engine.errors import Invalid
from engine.tools.definition import Tool
from engine.tools.loading import CATALOG, load_tools
from engine.tools.parsing import Parsed, Parser, Refused, words
from engine.tools.rendering import Definition

DATA = Path(__file__).parents[3] / "shared" / "data"
NOWHERE = ContextRef()
TOOLS = load_tools(CATALOG)
PARSER = Parser(TOOLS)
ACTIONS = [(Definition.of(tool), name) for tool in TOOLS for name in tool.actions]

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not beside this")


def rows(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def accepted(line: str, context: ContextRef = NOWHERE) -> Parsed:
    return PARSER.line(line, context)


@needs_data
def test_every_dangerous_argument_of_the_corpus_is_refused_and_what_is_ordinary_is_not() -> None:
    known = set(PARSER.programs)
    wrong: list[object] = []
    not_ours: list[object] = []
    for row in rows("argument_injection.dev.jsonl"):
        answer = json.loads(next(answers(PARSER, [json.dumps(row)], NOWHERE)))
        if answer["ok"] != (row["expect"] == "allow"):
            (wrong if row["tool"] in known else not_ours).append(row["id"])

    assert wrong == []
    assert not_ours == ["terraform-419"], "terraform is no tool of ours"


@needs_data
def test_every_dangerous_command_line_of_the_corpus_is_refused() -> None:
    lines = rows("commands.dev.jsonl")

    passed = [
        row["command"]
        for row in lines
        if json.loads(next(answers(PARSER, [json.dumps(row)], NOWHERE)))["ok"]
    ]

    assert passed == ["git clone https://github.com/example/repo.git"]


@pytest.mark.parametrize(
    ("line", "action", "given", "context"),
    [
        (
            "kubectl rollout restart deploy/checkout -n shop",
            "kubectl.rollout_restart",
            {"kind": "deployment", "name": "checkout"},
            {"namespace": "shop"},
        ),
        (
            "kubectl --namespace=shop scale deployment checkout --replicas 4",
            "kubectl.scale",
            {"kind": "deployment", "name": "checkout", "replicas": 4},
            {"namespace": "shop"},
        ),
        (
            "kubectl set image sts/db db=registry.example:5000/db:1.2.3 -n shop",
            "kubectl.set_image",
            {
                "kind": "statefulset",
                "name": "db",
                "container": "db",
                "image": "registry.example:5000/db:1.2.3",
            },
            {"namespace": "shop"},
        ),
        (
            "helm rollback api 12 --wait --timeout=5m",
            "helm.rollback",
            {"release": "api", "revision": 12, "wait": "5m"},
            {},
        ),
        (
            "aws ecs update-service --cluster prod --service api --desired-count 3",
            "aws.ecs_scale",
            {"ecs_cluster": "prod", "service": "api", "count": 3},
            {},
        ),
        (
            "vault kv metadata get -format=json secret/prod/db",
            "vault.kv_metadata",
            {"mount": "secret", "path": "prod/db"},
            {},
        ),
        ("git log --oneline -20 -- app/x.py", "git.log", {"limit": 20, "path": "app/x.py"}, {}),
        (
            "amtool silence add 'alertname=HighErrorRate' --duration=2h --comment='deploy of 4711'",
            "alertmanager.silence",
            {"matchers": "alertname=HighErrorRate", "duration": "2h", "comment": "deploy of 4711"},
            {},
        ),
    ],
)
def test_a_command_line_becomes_an_action_with_its_input(
    line: str, action: str, given: dict[str, object], context: dict[str, str]
) -> None:
    found = accepted(line)

    assert (found.action, dict(found.input), dict(found.context)) == (action, given, context)


def test_what_the_service_tells_is_listed_as_missing() -> None:
    assert accepted("git revert --no-edit 1a2b3c4d").missing == (
        "remote",
        "branch",
        "expected_head",
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("kubectl get pods | sh", "needs a shell"),
        ("kubectl get pods -n $(id)", "needs a shell"),
        ('kubectl get pods -n "`id`"', "needs a shell"),
        ("kubectl get pods 'x", "quote"),
        ("kubectl get pods > /tmp/x", "needs a shell"),
        ("LD_PRELOAD=x kubectl get pods", "not known"),
        ("/usr/bin/kubectl get pods", "not known"),
        ("kubectl get secrets", "one of"),
        ("kubectl get pods --kubeconfig=x", "takes no flag"),
        ("kubectl get pods -n a -n b", "twice"),
        ("kubectl get pods -n a --namespace b", "twice"),
        ("kubectl get pods -n --all-namespaces", "wants a value"),
        ("kubectl logs -- --previous", "dash"),
        ("kubectl logs x --tail=99999999", "between"),
        ("kubectl scale deploy/x", "missing"),
        ("kubectl scale deploy/x --replicas=0", "at least 1"),
        ("kubectl set image deploy/x x=evil:latest", "no fixed version"),
        ("kubectl exec x -- id", "no action"),
        ("helm upgrade api oci://attacker.example/x", "registry"),
        ("helm upgrade api ../../etc", "chart"),
        ("git clone file:///etc", "named host"),
        ("git ls-remote https://169.254.169.254/x", "named host"),
        ("aws s3 ls --region us-gov-west-1", "region"),
        ("argocd app sync x --revision main", "commit id"),
        ("", "1 to"),
    ],
)
def test_what_is_not_known_is_refused_with_its_reason(line: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        accepted(line)


def test_a_flag_that_says_where_may_agree_and_never_contradict() -> None:
    here = ContextRef(cluster="eu-1", namespace="shop")

    agreed = accepted("kubectl get pods --context=eu-1 -n shop", here)

    assert dict(agreed.context) == {"cluster": "eu-1", "namespace": "shop"}
    for line in ("kubectl get pods -n other", "kubectl get pods --context us-1"):
        with pytest.raises(Refused, match="not the one"):
            accepted(line, here)


def test_lines_of_json_are_answered_one_by_one_whatever_they_hold() -> None:
    typed = ['["kubectl", "version"]', "{}", "no json", '{"argv": [1]}', '"kubectl"', "[" * 5000]

    found = [json.loads(answer)["ok"] for answer in answers(PARSER, typed, NOWHERE)]

    assert found == [True, False, False, False, False, False]


@given(st.lists(st.text(max_size=30), max_size=12))
@settings(max_examples=300)
def test_no_argument_vector_breaks_the_parser(argv: list[str]) -> None:
    for program in PARSER.programs:
        try:
            found = PARSER.argv([program, *argv], NOWHERE)
        except Refused:
            continue
        assert found.action


@given(st.text(max_size=80))
@settings(max_examples=300)
def test_a_line_that_is_split_holds_no_shell_character_outside_of_quotes(text: str) -> None:
    try:
        found = words(text)
    except Refused:
        return

    if "'" not in text and '"' not in text:
        assert found == [word for word in text.split(" ") if word]
        assert not set(text) & set(";|&<>$`(){}*?")


HOSTILE = st.one_of(
    st.sampled_from(
        [
            "--kubeconfig=/tmp/x",
            "-n",
            "x --force",
            "x\n--force",
            "$(id)",
            "`id`",
            "a;b",
            "../../etc/passwd",
            "@/etc/passwd",
            "file:///etc/passwd",
            "{connection.token}",
            "{name}",
            "x\x00y",
            "a,b",
            "=",
            "-",
            "--",
            "\u2010-force",
        ]
    ),
    st.text(max_size=40),
    st.from_regex(r"\A-{1,2}[a-z-]{1,12}(=[a-z/]{1,9})?\Z"),
    st.from_regex(r"\A[a-z0-9][a-z0-9./:=@,-]{0,30}\Z"),
    st.integers(-5, 10**7),
    st.booleans(),
)


@given(st.data())
@settings(max_examples=800, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_value_ever_makes_another_argument_or_another_flag(data: st.DataObject) -> None:
    definition, name = data.draw(st.sampled_from(ACTIONS))
    tool, action = definition.tool, definition.action(name)
    given_values = {key: data.draw(HOSTILE) for key in action.input if data.draw(st.booleans())}
    try:
        call = definition.render(name, given_values, url="https://host.example")
    except Invalid:
        return

    for command, argv in zip(action.commands, call.commands, strict=False):
        assert flags_of(argv) <= allowed_flags(tool, name)
        assert len(argv) <= len(command.argv)
        assert argv[0] == command.argv[0]


def flags_of(argv: tuple[str, ...]) -> set[str]:
    """The flags of a vector; behind `--` there is none."""
    end = argv.index("--") if "--" in argv else len(argv)
    return {one.partition("=")[0] for one in argv[:end] if one.startswith("-")}


def allowed_flags(tool: Tool, name: str) -> set[str]:
    action = tool.actions[name]
    said = {one.partition("=")[0] for command in action.commands for one in command.argv}
    return said | {one.flag.partition("=")[0] for one in action.input.values() if one.flag}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--", "kubectl", "rollout", "restart", "deploy/checkout", "-n", "shop"], 0),
        (["--line", "kubectl get pods -n shop"], 0),
        (["--context", "namespace=shop", "--", "kubectl", "get", "pods", "-n", "prod"], 3),
        (["--", "kubectl", "exec", "x"], 3),
    ],
)
def test_the_command_answers_in_one_line_and_says_by_its_code_whether_it_is_an_action(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        tools_command(["parse", *arguments])

    (line,) = capsys.readouterr().out.splitlines()
    assert (ended.value.code or 0) == code
    assert json.loads(line)["ok"] is (code == 0)
