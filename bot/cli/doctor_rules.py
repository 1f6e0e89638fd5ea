"""Looks at what Carapulse decides by: policy, keys, people, tools, and the model."""

from typing import Any

from bot.cli.doctor_finding import Finding, fail, ok, warn
from engine.configured import remotes
from engine.context.services import loaded_services
from engine.directory.file import Person, read_listing
from engine.errors import ConfigurationError
from engine.models import providers
from engine.policy.modules import data
from engine.policy.rego import RegoPolicy
from engine.resources import shipped
from engine.secrets.keys import FileSigner
from engine.secrets.published import FileVerifier, published
from engine.settings import Settings
from engine.tools.registry import ToolRegistry

TEAM = 2
ENVS = "environments"


async def policy(settings: Settings) -> list[Finding]:
    """It loads, and answers the questions whose answers are known."""
    try:
        RegoPolicy(rule_folders(settings), settings.policy.roles)
    except ConfigurationError as error:
        return [fail("policy", str(error), "Correct the Rego files of CARAPULSE_POLICY__FOLDER.")]
    return [
        ok("policy", f"loads and answers as it must; stage {settings.policy.stage}"),
        *staged(settings),
    ]


def staged(settings: Settings) -> list[Finding]:
    """Whether `policy.stages` names what there is, where a services file tells."""
    if settings.context.services_file is None:
        return []
    try:
        services = loaded_services(settings.context.services_file)
    except ConfigurationError:
        return []  # told by what looks at the tools
    known = {str(one) for name in services.names() for one in listed(services.entry(name), ENVS)}
    wrong = []
    for place in settings.policy.stages:
        environment, _, service = place.partition("/")
        there = environment == "*" or environment in known
        if not there or (service and service not in services.names()):
            wrong.append(place)
    if not wrong:
        return []
    told = f"policy.stages names what the services file does not: {', '.join(wrong)}"
    return [warn("policy", told, "Correct CARAPULSE_POLICY__STAGES; it limits nothing there.")]


def rule_folders(settings: Settings) -> list[Any]:
    """Ours, and the user's beside it."""
    return [shipped("policies"), *filter(None, [settings.policy.folder])]


async def keys(settings: Settings) -> list[Finding]:
    """Decisions can be verified, and signed by a key that is among the public ones."""
    area, wanted = "keys", settings.keys
    if wanted.public_keys_folder is None:
        mend = "Set CARAPULSE_KEYS__PUBLIC_KEYS_FOLDER; `carapulse up` makes the keys."
        return [fail(area, "no public keys are configured", mend)]
    try:
        FileVerifier(wanted.public_keys_folder)
        known = published(wanted.public_keys_folder)
        if wanted.signing_key_file is None:
            mend = "Set CARAPULSE_KEYS__SIGNING_KEY_FILE where the bot runs, and only there."
            return [warn(area, "no signing key here: right for a worker, wrong for the bot", mend)]
        signer = FileSigner(wanted.signing_key_file)
    except ConfigurationError as error:
        return [fail(area, str(error), "Correct the files of CARAPULSE_KEYS__*.")]
    if signer.key_id not in known:
        mend = f"Put the public half into {wanted.public_keys_folder} as {signer.key_id}.pem."
        return [fail(area, "the signing key has no public key beside it: nothing would run", mend)]
    if known[signer.key_id].retired:
        mend = "Run `carapulse keys rotate` where the bot runs."
        return [fail(area, f"the signing key {signer.key_id} is retired: nothing would run", mend)]
    older = f"; {len(known) - 1} more are believed or retired" if len(known) > 1 else ""
    return [ok(area, f"the signing key {signer.key_id} matches a public key{older}")]


async def directory(settings: Settings) -> list[Finding]:
    """The file is valid, and at least two people in it can approve."""
    area, file = "directory", settings.directory.file
    if file is None:
        mend = "Write a file of people and groups, and set CARAPULSE_DIRECTORY__FILE to it."
        return [fail(area, "no file is configured, so everybody is a stranger", mend)]
    try:
        people = read_listing(file).people
        groups = approving(settings)
    except ConfigurationError as error:
        return [fail(area, str(error), "Correct the file that is named.")]
    able = [person for person in people if can_approve(person, groups)]
    named = ", ".join(sorted(groups))
    if len(able) < TEAM:
        return [
            fail(
                area,
                f"{len(able)} of {len(people)} people can approve, and a team needs two people: "
                "nobody approves their own change",
                f"Give two people a Slack account and one of the groups {named}.",
            )
        ]
    return [ok(area, f"{len(people)} people, {len(able)} of them can approve ({named})")]


def approving(settings: Settings) -> set[str]:
    """Groups whose members may approve something: the policy's, and owners of services."""
    roles: Any = data(rule_folders(settings)).get("roles", {})
    services = loaded_services(settings.context.services_file)
    owners = {
        str(owner) for name in services.names() for owner in listed(services.entry(name), "owners")
    }
    return {*map(str, roles.get("approvers", ())), *owners}


def listed(entry: dict[str, Any], field: str) -> list[Any]:
    """A list of the services file; empty where there is none."""
    value = entry.get(field)
    return value if isinstance(value, list) else []


def can_approve(person: Person, groups: set[str]) -> bool:
    """They can be recognised in Slack, and are in a group that is asked."""
    return bool(person.slack) and bool(groups & set(person.groups))


async def tools(settings: Settings) -> list[Finding]:
    """Every definition is valid, and services that are named exist."""
    wanted = settings.tools
    try:
        services = loaded_services(settings.context.services_file)
        registry = ToolRegistry.load(
            wanted.folder,
            connections={name: one.url for name, one in wanted.connections.items()},
            remotes=lambda: (*wanted.git_remotes, *remotes(services)),
        )
    except ConfigurationError as error:
        return [fail("tools", str(error), "Correct the file that is named.")]
    actions = [str(one["name"]) for one in registry.catalogue()]
    names = sorted({action.partition(".")[0] for action in actions})
    return [ok("tools", f"{len(actions)} actions of {', '.join(names)}")]


async def model(settings: Settings) -> list[Finding]:
    """Which planner drafts; the key is not tried, a question would cost money."""
    try:
        asked = providers(settings.llm)
    except ConfigurationError as error:
        return [fail("model", str(error), "Correct llm.providers.")]
    if not asked:
        return [ok("model", "the offline planner drafts; OPENAI_API_KEY puts a model before it")]
    named = ", then ".join(f"{one.settings.model} at {one.settings.base_url}" for one in asked)
    return [ok("model", f"{named}, with the offline planner behind")]
