"""The services file: what runs where, who owns it, what depends on it, how it is looked at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, ValidationError

from engine.documents import parse_yaml, read_yaml
from engine.domain.context import ContextRef
from engine.domain.ids import Tenant
from engine.domain.model import Json, Model
from engine.errors import ConfigurationError, NotFound

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Environment(Model):
    """The clusters that an environment has; none when it is not divided."""

    clusters: tuple[Key, ...] = ()


class Gitops(Model):
    """Where the settings of a service live, when a controller or the service follows git.

    `path` is a settings file, or a folder that holds `<environment>/values.yaml`; `image_key` is
    the key in it that a deployment writes.
    """

    repository: Key
    remote: str = ""
    branch: Key = "main"
    path: Annotated[str, StringConstraints(pattern=r"^[\w][\w./-]*$", max_length=500)]
    image_key: Key = "image.tag"


class Health(Model):
    """The tool whose read tells how the service is."""

    tool: Key
    action: Key = "health"
    url: str = ""


class Helm(Model):
    """The release that a service is installed as.

    `chart` is `oci://host/path`, or with a `remote` the chart's folder in that repository.
    """

    release: Key
    chart: Annotated[
        str,
        StringConstraints(
            pattern=r"^(?:oci://[a-z0-9][a-z0-9.-]*(?::[0-9]{1,5})?/)?[a-z0-9][A-Za-z0-9._/-]*$",
            max_length=200,
        ),
    ]
    remote: str = ""
    branch: Key = "main"


class Argocd(Model):
    """The Argo CD application that a service is."""

    application: Key


class Vault(Model):
    """The database role in Vault whose credentials a service uses."""

    role: Key


class Service(Model):
    """One service. `metrics` holds PromQL by name, and `limit`, the error rate that is too high.

    `image` is its image without a tag, `container` the container that runs it; both are its name
    where nothing else is said.
    """

    name: Key
    aliases: tuple[Text, ...] = ()
    description: str = ""
    namespace: str = ""
    kind: str = ""
    owners: tuple[str, ...] = ()
    channel: str = ""
    tier: int | None = None
    depends_on: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    gitops: Gitops | None = None
    health: Health | None = None
    helm: Helm | None = None
    argocd: Argocd | None = None
    vault: Vault | None = None
    image: str = ""
    container: str = ""
    metrics: dict[Key, Text] = Field(default_factory=dict)


class Document(Model):
    """The whole file. `channels` says what a channel speaks about unless a message says else."""

    environments: dict[Key, Environment] = Field(default_factory=dict)
    services: tuple[Service, ...] = ()
    channels: dict[str, ContextRef] = Field(default_factory=dict)


class ServiceFile:
    """The `Services` port, from one file that is checked as a whole."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._services = {service.name: service for service in document.services}
        self._names = dict(_names(document))
        self._needed_by: dict[str, list[str]] = {}
        for service in document.services:
            for needed in service.depends_on:
                self._needed_by.setdefault(needed, []).append(service.name)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check the file. Raises `ConfigurationError` that says where it is wrong."""
        return cls.build(read_yaml(path), path.name)

    @classmethod
    def parse(cls, text: str, name: str = "services") -> Self:
        """Check a text; `name` is what errors call it."""
        return cls.build(parse_yaml(text, name), name)

    @classmethod
    def build(cls, content: Any, name: str) -> Self:
        """Check the content of a file."""
        try:
            document = Document.model_validate(content or {})
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
                for item in error.errors(include_input=False, include_url=False)[:10]
            )
            raise ConfigurationError(f"{name} is wrong: {wrong}.") from None
        if wrong := "; ".join(_contradictions(document)):
            raise ConfigurationError(f"{name} is wrong: {wrong}.")
        return cls(document)

    def with_remotes(self, host: str) -> Self:
        """The same, with an address on this host for every repository that has none."""
        services = tuple(
            one.model_copy(
                update={
                    "gitops": one.gitops.model_copy(
                        update={"remote": one.gitops.remote or f"{host}/{one.gitops.repository}"}
                    )
                }
            )
            if one.gitops
            else one
            for one in self._document.services
        )
        return type(self)(self._document.model_copy(update={"services": services}))

    def without_remote(self) -> list[str]:
        """The services whose repository has no address."""
        return [one.name for one in self._services.values() if one.gitops and not one.gitops.remote]

    def remotes(self) -> list[str]:
        """The repositories that are named."""
        return [
            one.gitops.remote for one in self._services.values() if one.gitops and one.gitops.remote
        ]

    def resolve(self, name: str) -> str | None:
        return self._names.get(_plain(name))

    def entry(self, service: str) -> dict[str, Json]:
        """The service as data, plus `places`: `environment/cluster` for each it runs in.

        Raises:
            NotFound: there is no such service.
        """
        found = self._services.get(service)
        if found is None:
            raise NotFound(f"There is no service {service}.")
        entry: dict[str, Json] = found.model_dump(mode="json", exclude_none=True)
        entry["places"] = list(self._places(found))
        return entry

    def names(self) -> list[str]:
        return sorted(self._services)

    def dependants(self, service: str) -> list[str]:
        """All that depend on it, also through others."""
        found: set[str] = set()
        waiting = [service]
        while waiting:
            for other in self._needed_by.get(waiting.pop(), ()):
                if other not in found and other != service:
                    found.add(other)
                    waiting.append(other)
        return sorted(found)

    def of_channel(self, channel: str, tenant: Tenant) -> ContextRef:
        """What a channel speaks about by default: its entry, else the one service it belongs to.

        Args:
            channel: the surface's id of the channel, with or without `slack:TEAM:` before it.
            tenant: whose context it becomes.
        """
        short = channel.rsplit(":", 1)[-1]
        for key, context in self._document.channels.items():
            if key.rsplit(":", 1)[-1] == short:
                return context.model_copy(update={"tenant": tenant})
        owned = [one for one in self._services.values() if one.channel.endswith(short) and short]
        if len(owned) != 1:
            return ContextRef(tenant=tenant)
        return self._context(owned[0], tenant)

    def _context(self, service: Service, tenant: Tenant) -> ContextRef:
        places = list(self._places(service))
        where = places[0].split("/") if len(places) == 1 else [""]
        return ContextRef(
            tenant=tenant,
            service=service.name,
            namespace=service.namespace,
            environment=where[0],
            cluster=where[1] if len(where) > 1 else "",
        )

    def _places(self, service: Service) -> Iterator[str]:
        for environment in service.environments:
            known = self._document.environments.get(environment, Environment())
            for cluster in known.clusters:
                yield f"{environment}/{cluster}"
            if not known.clusters:
                yield environment


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _names(document: Document) -> Iterator[tuple[str, str]]:
    for service in document.services:
        for name in (service.name, *service.aliases):
            yield _plain(name), service.name


def _contradictions(document: Document) -> Iterator[str]:
    known = {service.name for service in document.services}
    yield from _shared_names(document)
    for one in document.services:
        for other in sorted(set(one.depends_on) - known):
            yield f"{one.name} depends on {other}, which is not in the file"
        for environment in sorted(set(one.environments) - set(document.environments)):
            yield f"{one.name} runs in {environment}, which is not in the file"
    for channel, context in document.channels.items():
        if context.service and context.service not in known:
            yield f"channel {channel} speaks about {context.service}, which is not in the file"


def _shared_names(document: Document) -> Iterator[str]:
    taken: dict[str, str] = {}
    for name, service in _names(document):
        if name in taken:
            yield f"the name {name!r} stands for both {taken[name]} and {service}"
        taken[name] = service


def loaded_services(path: Path | None) -> ServiceFile:
    """The service graph; empty where no file is configured."""
    if path is None:
        return ServiceFile.build({"environments": {}, "services": []}, "services")
    return ServiceFile.load(path)
