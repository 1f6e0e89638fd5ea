"""Workflows of the catalog: listed, started, and written as versions that stay."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from pydantic import ValidationError

from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.context import ContextRef
from engine.domain.ids import DraftId, PersonId
from engine.domain.model import Json
from engine.domain.placeholders import known
from engine.domain.spoken_workflow import spoken
from engine.domain.template import (
    Picked,
    Template,
    TemplateRecord,
    TemplateState,
    TemplateText,
    described,
    filled,
)
from engine.domain.wanted import About, Wanted
from engine.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from engine.ports import Clock, Services, Store, Unit
from engine.services.requests import Requests

log = structlog.get_logger(__name__)
MOST = 500
WRONG = "The workflow can't be started like that."
READ_ONLY = "{} comes with {}. Copy it under another name to change it."


@dataclass(frozen=True, slots=True)
class Start:
    """What somebody fills in. `words` are theirs and stand above the plan."""

    input: Mapping[str, Json]
    about: About = field(default_factory=About)
    words: str = ""
    session: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Templates:
    """`files` are those that ship and those of the settings' folder; they are changed there.

    `check` reads a text and raises `Invalid`; `digest` is that of a text.
    """

    store: Store
    requests: Requests
    services: Services
    clock: Clock
    files: Mapping[str, TemplateRecord]
    check: Callable[[str], Template]
    digest: Callable[[str], str]

    async def listed(self) -> list[TemplateRecord]:
        """All that there are, by name."""
        kept: list[TemplateRecord] = []
        async with self.store.begin() as unit:
            for state, text in await unit.templates.current():
                if text.name in self.files:
                    continue
                try:
                    kept.append(await self._record(unit, state, text))
                except Invalid as error:  # the tools have changed since it was written
                    log.warning("a workflow is left out", action="workflow.refused", why=str(error))
        return sorted((*self.files.values(), *kept), key=lambda one: one.template.workflow)

    def known_services(self) -> list[str]:
        """The services that it can be about."""
        return self.services.names()

    def known_places(self) -> list[str]:
        """Where services run, as `environment/cluster`."""
        found: set[str] = set()
        for name in self.services.names():
            places = self.services.entry(name).get("places")
            found.update(map(str, places) if isinstance(places, list) else ())
        return sorted(found)

    async def get(self, name: str, version: int | None = None) -> TemplateRecord:
        """The current version, or the one of a number. Raises `NotFound`."""
        found = self.files.get(name)
        if found is None:
            async with self.store.begin() as unit:
                found = await self._kept(unit, name, version)
        if version not in (None, found.template.version):
            raise NotFound(f"{name} is at version {found.template.version}.")
        return found

    async def versions(self, name: str) -> list[TemplateText]:
        """Every text that was written here under this name, the newest first."""
        async with self.store.begin() as unit:
            return await unit.templates.texts(name)

    async def problems(self, name: str, start: Start) -> dict[str, str]:
        """What is wrong with what was filled in, by field; empty when it can be started."""
        record = await self.get(name, start.version)
        _, wrong = filled(record.template, start.input)
        found = {f"input.{field}": text for field, text in wrong.items()}
        try:
            self._placed(record.template, self.requests.context(self._wanted(record, start)))
        except Invalid as error:
            found |= error.fields
        return found

    async def start(
        self, actor: Actor, name: str, start: Start, *, channel: str = "", key: str = ""
    ) -> DraftId:
        """Ask for the plan of this workflow, in a thread of its own.

        Raises:
            NotFound: there is no such workflow, or not at this version.
            Invalid: with an entry for each field that is wrong.
            Conflict: it is switched off, or the key belongs to another request.
        """
        record = await self.get(name, start.version)
        if wrong := await self.problems(name, start):
            raise Invalid(WRONG, wrong)
        picked = self._picked(record, start)
        return await self.requests.ask(
            actor, self._wanted(record, start), key=key, picked=picked, channel=channel
        )

    async def spoken(self, text: str) -> tuple[Picked, ContextRef] | None:
        """The workflow that a sentence asks for, filled in, and where; None for other sentences.

        Raises:
            Invalid: it can't be started like that; the text says what is missing or wrong.
            NotFound: there is no such workflow.
            Conflict: it is switched off.
        """
        said = spoken(text)
        if said is None:
            return None
        start = Start(dict(said.input), about(said.service, said.place))
        record = await self.get(said.name)
        if wrong := await self.problems(said.name, start):
            told_wrong = "; ".join(f"{name} {what}" for name, what in wrong.items())
            raise Invalid(f"{WRONG[:-1]}: {told_wrong}.", wrong)
        return self._picked(record, start), self.requests.context(self._wanted(record, start))

    async def write(self, actor: Actor, body: str) -> TemplateRecord:
        """Keep a new workflow as version 1. Raises `Invalid`, `Conflict` when its name is taken."""
        template = self.check(body)
        name = template.workflow
        self._free(name)
        async with self.store.begin() as unit:
            before = await unit.templates.lock(name)
            if before and not before.removed:
                raise Conflict(f"There is a workflow {name} already.")
            if len(await unit.templates.current()) >= MOST:
                raise NotAllowed(f"There are {MOST} workflows. Remove some first.")
            number = before.version + 1 if before else 1
            made = await self._keep(unit, actor, template, body, number)
            await told(unit, actor, "workflow.create", made)
        return made

    async def change(
        self, actor: Actor, name: str, body: str, *, version: int | None = None
    ) -> TemplateRecord:
        """Keep the next version. Raises `Stale` when the current one is not the `version`."""
        template = self.check(body)
        if template.workflow != name:
            raise Invalid("The name can't be changed.", {"body": f"calls it {template.workflow}"})
        async with self.store.begin() as unit:
            before = await self._ours(unit, name, version)
            made = await self._keep(unit, actor, template, body, before.version + 1)
            await told(unit, actor, "workflow.change", made)
        return made

    async def remove(self, actor: Actor, name: str, *, version: int | None = None) -> None:
        """It can't be started any more; its versions stay, because plans were made of them."""
        async with self.store.begin() as unit:
            before = await self._ours(unit, name, version)
            gone = await self._kept(unit, name, None)
            await unit.templates.stand(before.model_copy(update={"removed": True}))
            await told(unit, actor, "workflow.remove", gone)

    async def switch(self, actor: Actor, name: str, *, enabled: bool) -> TemplateRecord:
        """Let it be started, or not. Whoever lets it never approves what it makes."""
        async with self.store.begin() as unit:
            before = await self._ours(unit, name, None)
            state = before.model_copy(
                update={
                    "enabled": enabled,
                    "enabled_by": actor.id,
                    "enabled_by_name": actor.name,
                }
            )
            await unit.templates.stand(state)
            made = await self._kept(unit, name, None)
            await told(unit, actor, "workflow.enable" if enabled else "workflow.disable", made)
        return made

    def _free(self, name: str) -> None:
        if taken := self.files.get(name):
            raise Conflict(READ_ONLY.format(name, shown(taken)))

    async def _ours(self, unit: Unit, name: str, version: int | None) -> TemplateState:
        if taken := self.files.get(name):
            raise NotAllowed(READ_ONLY.format(name, shown(taken)))
        before = await unit.templates.lock(name)
        if before is None or before.removed:
            raise NotFound(f"There is no workflow {name}.")
        if version not in (None, before.version):
            raise Stale(f"{name} is at version {before.version}. Look at it again.")
        return before

    async def _keep(
        self, unit: Unit, actor: Actor, template: Template, body: str, number: int
    ) -> TemplateRecord:
        """Who writes a version lets it be started, too."""
        name = template.workflow
        text = TemplateText(
            name=name,
            version=number,
            body=body,
            digest=self.digest(body),
            author=actor.id,
            author_name=actor.name,
            at=self.clock(),
        )
        if not await unit.templates.add(text):
            raise Conflict(f"{name} was changed meanwhile. Look at it again.")
        state = TemplateState(
            name=name,
            version=number,
            enabled=True,
            enabled_by=actor.id,
            enabled_by_name=actor.name,
        )
        await unit.templates.stand(state)
        return await self._record(unit, state, text)

    async def _kept(self, unit: Unit, name: str, version: int | None) -> TemplateRecord:
        state = await unit.templates.lock(name)
        texts = await unit.templates.texts(name) if state and not state.removed else []
        number = version or (state.version if state else 0)
        text = next((one for one in texts if one.version == number), None)
        if state is None or text is None:
            raise NotFound(f"There is no workflow {name}.")
        return await self._record(unit, state, text)

    async def _record(self, unit: Unit, state: TemplateState, text: TemplateText) -> TemplateRecord:
        authors = await unit.templates.authors(text.name)
        template = self.check(text.body).model_copy(update={"version": text.version})
        return TemplateRecord(
            template=template,
            body=text.body,
            digest=text.digest,
            source="api",
            enabled=state.enabled and text.version == state.version,
            authors=tuple(PersonId(one) for one in authors),
            author_name=text.author_name,
            enabled_by=state.enabled_by,
            enabled_by_name=state.enabled_by_name,
            written_at=text.at,
        )

    def _picked(self, record: TemplateRecord, start: Start) -> Picked:
        """It as it is now, with what was filled in. Raises `Conflict` where it is switched off."""
        if not record.enabled:
            name = record.template.workflow
            raise Conflict(f"{name} was switched off by {record.enabled_by_name}.")
        values, _ = filled(record.template, start.input)
        return Picked(
            template=record.template,
            digest=record.digest,
            input=values,
            authors=record.responsible,
        )

    def _wanted(self, record: TemplateRecord, start: Start) -> Wanted:
        template = record.template
        values, _ = filled(template, start.input)
        said = ", ".join(f"{name} {value}" for name, value in values.items())
        first = f"Workflow {template.title} v{template.version} for {start.about.service or '?'}"
        text = ": ".join(filter(None, (first, said)))
        words = f"{text}. {start.words}" if start.words else text
        return Wanted(intent=words[:4000], context=start.about, session=start.session)

    def _placed(self, template: Template, context: ContextRef) -> None:
        """A change has a place, and the service has what the workflow needs. Raises `Invalid`."""
        wrong = {
            f"context.{name}": "is needed"
            for name in ("service", "environment")
            if not getattr(context, name)
        }
        if wrong:
            raise Invalid(WRONG, wrong)
        entry = described(self.services.entry(context.service), context.environment)
        if several := clusters(entry, context):
            raise Invalid(WRONG, {"context.cluster": f"is needed: {', '.join(several)}"})
        values: dict[str, dict[str, Json]] = {
            "service": entry,
            "context": context.model_dump(mode="json"),
        }
        for path in template.needs:
            if not known(path, values):
                where = "context.service" if path.startswith("service.") else path
                raise Invalid(WRONG, {where: lacking(context.service, path)})


async def told(unit: Unit, actor: Actor, action: str, record: TemplateRecord) -> None:
    """Record who did what with a workflow."""
    template = record.template
    event = AuditEvent(
        actor=actor,
        action=action,
        subject=template.workflow,
        decision="allow",
        detail={"version": template.version, "digest": record.digest},
    )
    await unit.audit.record(event)


def about(service: str, place: str) -> About:
    """A service, and `environment/cluster`, as people name them. Raises `Invalid`."""
    environment, _, cluster = place.partition("/")
    said = {"service": service, "environment": environment, "cluster": cluster}
    try:
        return About.model_validate({name: value for name, value in said.items() if value})
    except ValidationError as error:
        wrong = {f"context.{one['loc'][0]}": one["msg"] for one in error.errors()}
        raise Invalid(WRONG, wrong) from None


def shown(record: TemplateRecord) -> str:
    """Where a file's workflow comes from, in words."""
    return "Carapulse" if record.source == "built-in" else record.source


def clusters(entry: Mapping[str, Json], context: ContextRef) -> list[str]:
    """The clusters to choose from; none where the place is known."""
    places = entry.get("places")
    named = [str(one).partition("/") for one in places] if isinstance(places, list) else []
    here = [cluster for name, _, cluster in named if name == context.environment and cluster]
    return here if len(here) > 1 and not context.cluster else []


def lacking(service: str, path: str) -> str:
    """What a service's entry does not say."""
    if path.startswith("service."):
        return f"the services file says no `{path.removeprefix('service.')}` of {service}"
    return "is needed"
