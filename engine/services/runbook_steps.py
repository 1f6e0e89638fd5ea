"""From a command in a runbook to a step of a plan, or the reason why it can't be one."""

from dataclasses import dataclass

from engine.domain import revising
from engine.domain.actor import Actor
from engine.domain.audit import AuditEvent
from engine.domain.context import ContextRef
from engine.domain.conversation import Conversation, Place, PostKind
from engine.domain.draft import Draft, How, Outcome, OutcomeKind
from engine.domain.ids import ConversationId, DraftId, Tenant, new_id
from engine.domain.knowledge import (
    CommandLine,
    Document,
    DocumentKind,
    Parsed,
    Used,
    command_lines,
)
from engine.domain.model import Json
from engine.domain.plan import DraftStep, PlanVersion, Proposal
from engine.domain.session import Viewer
from engine.errors import Invalid, NotFound
from engine.ports import Clock, Commands, Services, Store, Unit

BY = "runbook"
SHOWN = 5_000
PLACE = ("remote", "branch")


@dataclass(frozen=True, slots=True)
class RunbookSteps:
    """Nothing of a runbook runs: a command becomes a step, and the plan needs its approvals."""

    store: Store
    commands: Commands
    services: Services
    clock: Clock
    tenant: Tenant

    def read(self, document: Document, context: ContextRef) -> list[tuple[CommandLine, Parsed]]:
        """Each command line with what it is."""
        return [
            (line, self.commands.parse(line.text, context)) for line in command_lines(document.body)
        ]

    async def show(self, document_id: str, place: Place) -> None:
        """Show a runbook where everybody in the thread reads it. Raises `NotFound`."""
        async with self.store.begin() as unit:
            document = await unit.documents.get(DocumentKind.RUNBOOK, document_id)
        await self.show_document(document, place)

    async def show_document(self, document: Document, place: Place, *, recipient: str = "") -> None:
        """Ask for a post with the document and its commands; with a recipient it is a whisper."""
        kind = PostKind.WHISPER if recipient else PostKind.NOTE
        async with self.store.begin() as unit:
            await unit.posts.want(
                kind,
                f"{document.kind.value}:{document.id}",
                place,
                body=self._shown(document),
                recipient=recipient,
                urgent=True,
            )

    def _shown(self, document: Document) -> dict[str, Json]:
        about = ", ".join((*document.services, *document.environments, *document.tags))
        commands: list[Json] = [
            {
                "number": line.number,
                "text": line.text[:300],
                "action": f"{read.tool}.{read.action}",
                "reason": read.reason,
            }
            for line, read in self.read(document, ContextRef())
        ]
        runbook = document.kind is DocumentKind.RUNBOOK
        said = f"by {document.author_name}"
        if not document.ours:
            said = f"from {document.source}, {document.reference}"
        said += f", revision {document.revision}"
        return {
            "document": document.kind.value,
            "id": document.id,
            "title": document.title,
            "about": f"{about} · {said}" if about else said,
            "markdown": document.body[:SHOWN] if runbook else f"```\n{document.body[:SHOWN]}\n```",
            "more": len(document.body) > SHOWN,
            "commands": commands if runbook else [],
        }

    async def turn(self, actor: Actor, document_id: str, number: int, place: Place) -> str:
        """Make the command a step: of the thread's open plan, or of a plan of its own.

        Returns what to tell the asker. Raises `Invalid` with the reason when it can't be one.
        """
        async with self.store.begin() as unit:
            document = await unit.documents.get(DocumentKind.RUNBOOK, document_id)
            conversation = await self._conversation(unit, actor, document, place)
            before = await self._open_plan(unit, conversation)
            known = before.context if before else self._context(document, conversation)
            step, context = self._step(document, number, known)
            proposal = self._proposal(document, before, step, context)
            await self._ask(unit, actor, conversation, before, proposal)
            await unit.audit.record(
                AuditEvent(
                    actor=actor,
                    action="runbook.turn",
                    subject=document.id,
                    decision="allow",
                    detail={"command": number, "step": f"{step.tool}.{step.action}"},
                )
            )
        if before:
            return f"Adding it to {before.reference}; the card shows the new version."
        return "Making a plan of it; its card comes in the thread."

    def _step(
        self, document: Document, number: int, known: ContextRef
    ) -> tuple[DraftStep, ContextRef]:
        lines = {line.number: line for line in command_lines(document.body)}
        if number not in lines:
            raise NotFound(f"{document.title} has no command {number} any more. Show it again.")
        line = lines[number]
        parsed = self.commands.parse(line.text, known)
        if not parsed.ok:
            raise Invalid(f"This can't be a step: {parsed.reason}")
        context = known.model_copy(update={k: v for k, v in parsed.context.items() if v})
        told = self._told(parsed, context)
        why = f"Command {number} of the runbook {document.title}"
        step = DraftStep(
            tool=parsed.tool,
            action=parsed.action,
            input={**parsed.input, **told},
            title=line.text[:200],
            why=why,
        )
        return step, context

    def _told(self, parsed: Parsed, context: ContextRef) -> dict[str, Json]:
        """What the line leaves to the service; what is pinned is read when the plan is made.

        Raises `Invalid` where the service does not say it.
        """
        wanted = [name for name in parsed.missing if name in PLACE]
        if not wanted:
            return {}
        if not context.service:
            raise Invalid("This can't be a step: it does not say which service it is about.")
        gitops = self.services.entry(context.service).get("gitops")
        known = gitops if isinstance(gitops, dict) else {}
        lacking = [name for name in wanted if not known.get(name)]
        if lacking:
            raise Invalid(
                f"This can't be a step: {context.service} has no {' and no '.join(lacking)}."
            )
        return {name: known[name] for name in wanted}

    def _proposal(
        self,
        document: Document,
        before: PlanVersion | None,
        step: DraftStep,
        context: ContextRef,
    ) -> Proposal:
        used = Used(kind="runbook", title=document.title, id=document.id)
        if before is None:
            return Proposal(
                title=step.title,
                why=f"From the runbook {document.title}.",
                context=context,
                steps=(step,),
                planner=BY,
                knowledge=(used,),
            )
        same = revising.again(before)
        knowledge = tuple(dict.fromkeys((*before.knowledge, used)))
        return same.model_copy(update={"steps": (*same.steps, step), "knowledge": knowledge})

    async def _conversation(
        self, unit: Unit, actor: Actor, document: Document, place: Place
    ) -> Conversation:
        """The thread that the press came from; else a new one, under a message of ours."""
        if place.thread and (known := await unit.conversations.at(place)):
            return known
        if not place.thread:
            text = f"{actor.mention} takes a step from the runbook *{plain(document.title)}*."
            post = await unit.posts.want(
                PostKind.NOTE,
                f"runbook:{new_id()}",
                place,
                body={"text": text},
                urgent=True,
            )
            place = Place.under(place.channel, post)
        session = await unit.sessions.of_channel(place.channel)
        ours = session is not None and session.open and session.admits(Viewer.of(actor))
        return await unit.conversations.add(
            Conversation(
                id=ConversationId(new_id()),
                tenant=self.tenant,
                place=place,
                context=ContextRef(tenant=self.tenant),
                session=session.id if session and ours else None,
                created_at=self.clock(),
            )
        )

    async def _open_plan(self, unit: Unit, conversation: Conversation) -> PlanVersion | None:
        if conversation.plan_id is None:
            return None
        current = await unit.plans.current(conversation.plan_id)
        state = await unit.plans.state(current.plan_id, current.version)
        return current if state.open else None

    def _context(self, document: Document, conversation: Conversation) -> ContextRef:
        """What the thread is about; where it says nothing, what the runbook is for."""
        context = conversation.context.model_copy(update={"tenant": self.tenant})
        if context.service or len(document.services) != 1:
            return context
        service = self.services.resolve(document.services[0])
        place = document.environments[0] if len(document.environments) == 1 else ""
        given = {"service": service or "", "environment": context.environment or place}
        return context.model_copy(update=given)

    async def _ask(
        self,
        unit: Unit,
        actor: Actor,
        conversation: Conversation,
        before: PlanVersion | None,
        proposal: Proposal,
    ) -> None:
        draft = Draft(
            id=DraftId(new_id()),
            tenant=self.tenant,
            conversation_id=conversation.id,
            requester=actor.id,
            requester_name=actor.name,
            text=proposal.steps[-1].title,
            context=proposal.context,
            plan_id=before.plan_id if before else None,
            based_on=before.version if before else None,
            how=How.AGAIN,
            session=conversation.session,
            created_at=self.clock(),
        )
        await unit.drafts.add(draft)
        outcome = Outcome(kind=OutcomeKind.PLAN, proposal=proposal)
        await unit.drafts.keep_outcome(draft.id, outcome)
        await unit.jobs.add("draft.start", {"draft_id": draft.id})


def plain(text: str) -> str:
    """A title inside a sentence of ours, without formatting and tokens."""
    return "".join(each for each in text if each not in "*_~`<>{}")[:120]
