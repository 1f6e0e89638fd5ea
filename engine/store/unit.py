"""One transaction over all repositories."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.store.approvals import PostgresApprovals
from engine.store.artifacts import PostgresArtifacts
from engine.store.audit import PostgresAudit
from engine.store.break_glass import PostgresBreakGlass
from engine.store.connection import Connection, Pool, answering
from engine.store.conversations import PostgresConversations
from engine.store.definitions import PostgresDefinitions
from engine.store.documents import PostgresDocuments
from engine.store.drafts import PostgresDrafts
from engine.store.executions import PostgresExecutions
from engine.store.feedback import PostgresPresence, PostgresRatings
from engine.store.freezes import PostgresFreezes
from engine.store.identities import PostgresIdentities
from engine.store.inbox import PostgresInbox
from engine.store.issues import PostgresIssues
from engine.store.jobs import PostgresJobs
from engine.store.memory import PostgresMemory
from engine.store.pages import PostgresPages
from engine.store.plans import PostgresPlans
from engine.store.posts import PostgresPosts
from engine.store.problems import PostgresProblems
from engine.store.reminders import PostgresReminders
from engine.store.runners import PostgresRunners
from engine.store.sessions import PostgresSessions
from engine.store.templates import PostgresTemplates
from engine.store.tokens import PostgresTokens


class PostgresUnit:
    """The `Unit` port: repositories that share one connection and its transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self.plans = PostgresPlans(connection, tenant)
        self.approvals = PostgresApprovals(connection)
        self.drafts = PostgresDrafts(connection)
        self.executions = PostgresExecutions(connection, tenant)
        self.conversations = PostgresConversations(connection, tenant)
        self.posts = PostgresPosts(connection, tenant)
        self.problems = PostgresProblems(connection, tenant)
        self.inbox = PostgresInbox(connection, tenant)
        self.audit = PostgresAudit(connection, tenant)
        self.jobs = PostgresJobs(connection)
        self.tokens = PostgresTokens(connection)
        self.definitions = PostgresDefinitions(connection)
        self.ratings = PostgresRatings(connection, tenant)
        self.presence = PostgresPresence(connection, tenant)
        self.documents = PostgresDocuments(connection, tenant)
        self.memory = PostgresMemory(connection, tenant)
        self.sessions = PostgresSessions(connection, tenant)
        self.templates = PostgresTemplates(connection, tenant)
        self.identities = PostgresIdentities(connection, tenant)
        self.freezes = PostgresFreezes(connection, tenant)
        self.break_glass = PostgresBreakGlass(connection, tenant)
        self.artifacts = PostgresArtifacts(connection, tenant)
        self.issues = PostgresIssues(connection, tenant)
        self.pages = PostgresPages(connection, tenant)
        self.runners = PostgresRunners(connection, tenant)
        self.reminders = PostgresReminders(connection, tenant)


@dataclass(frozen=True, slots=True)
class PostgresStore:
    """The `Store` port."""

    pool: Pool
    tenant: str

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresUnit]:
        """One transaction, read committed. Raises `Unavailable`."""
        async with answering(), self.pool.acquire() as connection, connection.transaction():
            yield PostgresUnit(connection, self.tenant)
