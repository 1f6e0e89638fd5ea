"""Workflows of the catalog, from a person's dialog to a real Kubernetes API server and back."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.local.slack.person import Person, plain
from engine.tools.sandbox import installed
from tests.acceptance.rig import Additions, Rig, open_rig
from tests.acceptance.test_programs import carapulse, post
from tests.acceptance.thread import INCIDENTS, Message, Thread, ask, press, whisper
from tests.acceptance.waiting import until
from tests.conftest import absent
from tests.contract.definitions.charts import chart_repository
from tests.contract.definitions.kubernetes import Cluster, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")
OWN = Path(__file__).with_name("catalog")
NAMESPACE, RELEASED = "tills", "released"
IMAGE = "registry.example/till"
IMAGE_PATH = ".spec.template.spec.containers[0].image"


def service(name: str, namespace: str, **more: Any) -> dict[str, Any]:
    """A service in staging that one other person may approve a change of."""
    return {
        "name": name,
        "namespace": namespace,
        "kind": "deployment",
        "owners": ["shop-owners"],
        "environments": ["staging"],
        "container": "app",
        **more,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """Carapulse with the control plane behind it, and programs where tools are started from."""
    if lacking := [name for name in ("kubectl", "helm") if not installed(name)]:
        absent(" and ".join(lacking))
    await cluster.kubectl("create", "namespace", NAMESPACE)
    await cluster.kubectl("-n", NAMESPACE, "apply", "-f", "-", given=deployment("till"))
    login = {}
    for tool in ("KUBECTL", "HELM"):
        login[f"CARAPULSE_TOOLS__CONNECTIONS__{tool}__URL"] = cluster.url
        login[f"CARAPULSE_TOOLS__CONNECTIONS__{tool}__FILE"] = str(cluster.kubeconfig)
    folder = {"CARAPULSE_CONTEXT__WORKFLOWS_FOLDER": str(OWN)}
    charts = await chart_repository(tmp_path_factory.mktemp("charts") / "charts.git")
    await cluster.kubectl("create", "namespace", RELEASED)
    await cluster.helm("-n", RELEASED, "install", "till", str(charts / "charts" / "till"))
    chart = {"release": "till", "chart": "charts/till", "remote": f"file://{charts}"}
    known = [service("till", NAMESPACE, image=IMAGE), service("kiosk", RELEASED, helm=chart)]
    added = Additions(services=lambda _: known, env=login | folder)
    async with open_rig(tmp_path_factory.mktemp("catalog"), added) as rig:

        async def heard() -> bool:
            _, told = await rig.api("/readyz")
            return bool(told["checks"]["slack"] == "ok")

        await until(heard, within=30, what="the bot's connection to Slack")  # a command needs one
        yield rig


async def now(cluster: Cluster, path: str, namespace: str = NAMESPACE) -> str:
    """A field of the deployment, as the cluster has it."""
    return await cluster.kubectl("-n", namespace, "get", "deploy/till", f"-o=jsonpath={{{path}}}")


async def dialog(person: Person, name: str) -> dict[str, Any]:
    """The dialog of a workflow, by the command."""
    await person.slash("/carapulse", f"workflow start {name}", INCIDENTS)
    return await person.wait_for_view(
        lambda view: str(view["private_metadata"]).startswith(f"{name}:"), timeout=5
    )


def state(view: dict[str, Any], given: dict[str, str]) -> dict[str, Any]:
    """What a person fills in, as a dialog keeps it."""
    kinds = {one["block_id"]: one["element"]["type"] for one in view["blocks"] if "element" in one}
    found = {}
    for name, value in given.items():
        chosen = {
            "selected_option": {"text": {"type": "plain_text", "text": value}, "value": value}
        }
        typed = {"value": value}
        found[name] = {"value": chosen if kinds[name] == "static_select" else typed}
    return found


async def begun(rig: Rig, name: str, about: str = "till", **given: str) -> Thread:
    """Start a workflow by its dialog; the thread that it opens."""
    view = await dialog(rig.dana, name)
    inputs = {f"input.{field}": value for field, value in given.items()}
    answer = await rig.dana.submit(view["id"], state(view, {"context.service": about} | inputs))
    assert answer["ok"], answer

    def fits(message: Message) -> bool:
        text = plain(message)
        return f" for {about}: " in text and all(value in text for value in given.values())

    root = await rig.dana.wait_for(fits, timeout=15, what="the thread")
    return Thread(rig.dana, INCIDENTS, root["ts"])


async def test_scaling_by_a_dialog_is_drafted_approved_and_verified(
    shop: Rig, cluster: Cluster
) -> None:
    thread = await begun(shop, "scale_service", replicas="4")
    card = await thread.card("Waiting for approval", "Scale till from 2 to 4")
    await press(shop.dana, card, "Approve")
    await whisper(shop.dana, thread, "You asked for this plan")
    await press(shop.ann, card, "Approve")
    done = await thread.card(":large_green_circle:", "Done in", within=60)

    assert "workflow *Scale a service v1*" in plain(card)
    assert "reversible: yes" in plain(card)
    assert "approved by Ann" in plain(done)
    assert await now(cluster, ".status.readyReplicas") == "4"


async def test_what_is_not_wanted_is_told_under_the_fields_and_nothing_begins(shop: Rig) -> None:
    view = await dialog(shop.dana, "scale_service")

    answer = await shop.dana.submit(
        view["id"],
        state(
            view,
            {
                "context.service": "till",
                "context.place": "prod/eu-1",
                "input.replicas": "four",
            },
        ),
    )
    await shop.dana.close(view["id"])

    assert answer["errors"] == {
        "input.replicas": "Wants a whole number from 1 to 100.",
        "context.place": "Till does not run in prod; there is staging.",
    }


async def test_the_api_the_command_line_and_words_start_the_same_workflow(
    shop: Rig, cluster: Cluster
) -> None:
    place = {"environment": "staging", "cluster": "eu-9", "service": "till"}
    body = {"context": place, "input": {"replicas": 3}}
    status, made = await post(shop, "/workflows/scale_service:start", body)
    code, told, error = await carapulse(
        shop, "workflow", "start", "scale_service", "replicas=3", "--service=till", "--json"
    )
    thread = await ask(shop.dana, "start the workflow scale_service for till: replicas=3")
    card = await thread.card("Waiting for approval", "to 3 in staging/eu-9")
    await press(shop.ann, card, "Approve")
    await thread.card(":large_green_circle:", "Done in", within=60)

    assert (status, code) == (201, 0), error
    assert json.loads(told)["plan"]["title"] == made["plan"]["title"]
    assert made["plan"]["title"] in plain(card)
    assert await now(cluster, ".status.readyReplicas") == "3"


async def test_an_image_that_never_gets_ready_fails_its_check_and_is_taken_back(
    shop: Rig, cluster: Cluster
) -> None:
    thread = await begun(shop, "roll_image", image=f"{IMAGE}:bad")
    card = await thread.card("Waiting for approval", "till:bad")
    await press(shop.ann, card, "Approve")
    failed = await thread.card(":warning:", "Step 2 failed", "Undoing step 1", within=60)
    over = await thread.card(":red_circle:", "Failed and rolled back", within=90)

    assert "workflow *Roll an image out v3*" in plain(card)
    assert "rollout complete" in plain(failed)
    assert "Undone: step 1" in plain(over)
    assert await now(cluster, IMAGE_PATH) == f"{IMAGE}:1.0.0"
    assert await now(cluster, ".status.unavailableReplicas") == ""


async def test_a_deployment_that_hangs_is_remediated_by_the_revision_before(
    shop: Rig, cluster: Cluster
) -> None:
    await cluster.kubectl("-n", NAMESPACE, "set", "image", "deploy/till", f"app={IMAGE}:bad")

    thread = await begun(shop, "incident_remediation", remedy="undo")
    card = await thread.card("Waiting for approval", "Remediate till")
    await press(shop.ann, card, "Approve")
    done = await thread.card(":large_green_circle:", "Done in", within=60)

    assert "rollout complete: no" in plain(card)
    assert "rolled back" in plain(done)
    assert await now(cluster, IMAGE_PATH) == f"{IMAGE}:1.0.0"


async def test_a_release_is_upgraded_from_its_repository_and_a_bad_one_goes_back(
    shop: Rig, cluster: Cluster
) -> None:
    thread = await begun(shop, "helm_release", "kiosk", values="tag=1.1.0", wait="1m")
    card = await thread.card("Waiting for approval", "Upgrade till in staging/eu-9")
    await press(shop.ann, card, "Approve")
    await thread.card(":large_green_circle:", "Done in", within=60)
    upgraded = await now(cluster, IMAGE_PATH, RELEASED)

    other = await begun(shop, "helm_release", "kiosk", values="tag=bad", wait="3s")
    again = await other.card("Waiting for approval", "Upgrade till in staging/eu-9")
    await press(shop.ann, again, "Approve")
    over = await other.card(":red_circle:", within=60)

    assert upgraded == f"{IMAGE}:1.1.0"
    assert "Helm put it back to what it was before" in plain(over)
    assert await now(cluster, IMAGE_PATH, RELEASED) == f"{IMAGE}:1.1.0"
