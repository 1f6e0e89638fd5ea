"""What the services of a room stand on, and those that take many parts."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.context.services import ServiceFile
from engine.domain.questions import Limits
from engine.feed.quiet import NoFeed
from engine.llm.playbooks import checked_title
from engine.policy.rego import RegoPolicy
from engine.ports import Clock
from engine.secrets.keys import FileSigner, make_keys
from engine.secrets.published import FileVerifier
from engine.services.approvals import Approvals
from engine.services.authority import Authority, loaded
from engine.services.drafts import Drafts
from engine.services.drift import Drift
from engine.services.glass import GlassAlarm
from engine.services.guards import Guards
from engine.services.knowledge import Knowledge
from engine.services.loglines import LogLines
from engine.services.outputs import Outputs
from engine.services.plans import Plans
from engine.services.previews import Previews
from engine.services.slots import Slots
from engine.services.steps import Steps
from engine.store.unit import PostgresStore
from engine.tools.registry import ToolRegistry
from tests.integration.script import DESK, REMOTE, TENANT, USUALLY, Mind, Rules, Script
from tests.unit.governing import POLICIES, People

SERVICES = "services: [{name: checkout, owners: [shop-owners]}, {name: cart}]"


@dataclass(frozen=True)
class Footing:
    """What the services of a room stand on."""

    store: PostgresStore
    tools: ToolRegistry
    policy: Rules
    script: Script
    people: People
    services: ServiceFile
    signer: FileSigner
    verifier: FileVerifier
    guards: Guards
    clock: Clock
    limits: Limits


def footing(store: PostgresStore, folder: Path, clock: Clock, limits: Limits) -> Footing:
    """Real adapters, but for what is outside: its answers are the script's."""
    keys = make_keys(folder / "keys")
    tools_folder = folder / "tools"
    tools_folder.mkdir()
    (tools_folder / "desk.yaml").write_text(DESK)
    tools = ToolRegistry.load(
        tools_folder, connections={"desk": "https://desk.example"}, remotes=(REMOTE,)
    )
    policy, script, verifier = Rules(RegoPolicy([POLICIES])), Script(), FileVerifier(keys.public)
    for action, answer in USUALLY.items():
        script.says(action, answer)
    return Footing(
        store=store,
        tools=tools,
        policy=policy,
        script=script,
        people=People(),
        services=ServiceFile.parse(SERVICES),
        signer=FileSigner(keys.private),
        verifier=verifier,
        guards=Guards(policy, Authority(verifier), limits),
        clock=clock,
        limits=limits,
    )


def drafting(on: Footing, mind: Mind, plans: Plans, previews: Previews, outputs: Outputs) -> Drafts:
    """From a sentence to a version, as the mind says."""
    return Drafts(
        on.store,
        on.tools,
        on.script,
        mind,
        on.policy,
        on.people,
        plans,
        previews,
        on.clock,
        on.limits,
        Knowledge(on.store, on.clock, TENANT, on.services, checked_title),
        outputs,
    )


def deciding(on: Footing) -> Approvals:
    """The gate."""
    return Approvals(
        on.store,
        on.policy,
        on.people,
        on.signer,
        on.verifier,
        on.clock,
        on.limits,
        on.guards.holds,
        GlassAlarm(on.people),
        partial(loaded, on.tools),
    )


def calling(on: Footing, outputs: Outputs, lease: float, slots: Slots) -> Steps:
    """The worker's part."""
    return Steps(
        on.store,
        on.tools,
        on.script,
        on.guards,
        Authority(on.verifier),
        LogLines(on.store, NoFeed(), on.clock, outputs),
        on.clock,
        lease,
        "worker-1",
        slots,
        Drift(on.script, on.policy, on.clock, on.limits),
    )
