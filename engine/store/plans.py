"""Plans and their versions in Postgres. All SQL about plans is in this file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import asyncpg
from pydantic import ValidationError

from engine.domain.ids import PersonId, PlanId
from engine.domain.plan import PlanVersion, VersionRef, VersionState
from engine.errors import NotFound, Tampered
from engine.store.connection import Connection, touched


class PostgresPlans:
    """The `Plans` port. Versions are inserted and never changed."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._db = connection
        self._tenant = tenant

    async def new_reference(self) -> str:
        """`P-1042`, for people."""
        return f"P-{await self._db.fetchval('SELECT nextval($1)', 'plan_reference')}"

    async def add_version(self, version: PlanVersion, state: VersionState) -> None:
        """Insert a version, make it the plan's current one, and set its first state."""
        await self._db.execute(
            "INSERT INTO plans (id, tenant, reference, current) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (id) DO UPDATE SET current = EXCLUDED.current",
            version.plan_id,
            self._tenant,
            version.reference,
            version.version,
        )
        await self._db.execute(
            "INSERT INTO plan_versions (plan_id, version, digest, body) VALUES ($1, $2, $3, $4)",
            version.plan_id,
            version.version,
            version.digest,
            version.model_dump_json(),
        )
        await self._db.execute(
            "INSERT INTO version_states (plan_id, version, state) VALUES ($1, $2, $3)",
            version.plan_id,
            version.version,
            state.value,
        )

    async def version(self, plan_id: PlanId, version: int) -> PlanVersion:
        """Return a version, or raise `NotFound`."""
        with naming():
            body = await self._db.fetchval(
                "SELECT v.body FROM plan_versions v JOIN plans p ON p.id = v.plan_id "
                "WHERE p.id = $1 AND v.version = $2 AND p.tenant = $3",
                plan_id,
                version,
                self._tenant,
            )
        if body is None:
            raise NotFound("There is no such plan version.")
        return stored(body)

    async def current(self, plan_id: PlanId) -> PlanVersion:
        """Return the current version, or raise `NotFound`."""
        body = await self._db.fetchval(
            "SELECT v.body FROM plans p "
            "JOIN plan_versions v ON v.plan_id = p.id AND v.version = p.current "
            "WHERE p.id = $1 AND p.tenant = $2",
            plan_id,
            self._tenant,
        )
        if body is None:
            raise NotFound("There is no such plan.")
        return stored(body)

    async def find(self, reference: str) -> PlanId:
        """The plan with this reference (`P-1042`) or id."""
        found = await self._db.fetchval(
            "SELECT id::text FROM plans WHERE tenant = $1 AND (reference = upper($2) "
            "OR id::text = lower($2))",
            self._tenant,
            reference,
        )
        if found is None:
            raise NotFound(f"There is no plan {reference}.")
        return PlanId(found)

    async def lock(self, plan_id: PlanId) -> int:
        """Lock the plan until the transaction ends; return its current version.

        From then on nothing is waited for much longer than a second: whoever decides hears soon
        that an audit or another table can't be written.
        """
        with naming():
            current = await self._db.fetchval(
                "SELECT current, set_config('lock_timeout', '1500ms', true) FROM plans "
                "WHERE id = $1 AND tenant = $2 FOR UPDATE",
                plan_id,
                self._tenant,
            )
        if current is None:
            raise NotFound("There is no such plan.")
        return int(current)

    async def newest(self, plan_id: PlanId) -> int:
        """The highest version that was ever stored, whatever is said to be current."""
        return int(
            await self._db.fetchval(
                "SELECT max(version) FROM plan_versions WHERE plan_id = $1", plan_id
            )
            or 0
        )

    async def of_requester(self, person: PersonId, limit: int) -> list[PlanId]:
        """The plans that this person asked for, newest first."""
        rows = await self._db.fetch(
            "SELECT p.id::text AS id FROM plan_versions v JOIN plans p ON p.id = v.plan_id "
            "AND p.current = v.version WHERE p.tenant = $1 "
            """AND substring(v.body from '"requester":"([^"]*)"') = $2 """
            "ORDER BY v.created_at DESC LIMIT $3",
            self._tenant,
            person,
            limit,
        )
        return [PlanId(row["id"]) for row in rows]

    async def listed(
        self,
        *,
        after: str | None = None,
        limit: int = 50,
        state: VersionState | None = None,
        service: str = "",
    ) -> list[tuple[PlanVersion, VersionState]]:
        """Current versions, newest plans first."""
        rows = await self._db.fetch(
            "SELECT v.body, s.state FROM plans p "
            "JOIN plan_versions v ON v.plan_id = p.id AND v.version = p.current "
            "JOIN version_states s ON s.plan_id = p.id AND s.version = p.current "
            "WHERE p.tenant = $1 AND ($2::uuid IS NULL OR p.id < $2) "
            "AND ($3::text IS NULL OR s.state = $3) "
            "AND ($4 = '' OR v.body::json #>> '{context,service}' = $4) "
            "ORDER BY p.id DESC LIMIT $5",
            self._tenant,
            after,
            state.value if state else None,
            service,
            limit,
        )
        return [(stored(row["body"]), VersionState(row["state"])) for row in rows]

    async def state(self, plan_id: PlanId, version: int) -> VersionState:
        state = await self._db.fetchval(
            "SELECT state FROM version_states WHERE plan_id = $1 AND version = $2",
            plan_id,
            version,
        )
        if state is None:
            raise NotFound("There is no such plan version.")
        return VersionState(state)

    async def state_reason(self, plan_id: PlanId, version: int) -> str:
        reason = await self._db.fetchval(
            "SELECT reason FROM version_states WHERE plan_id = $1 AND version = $2",
            plan_id,
            version,
        )
        return reason or ""

    async def move(
        self, ref: VersionRef, *, frm: Sequence[VersionState], to: VersionState, reason: str = ""
    ) -> bool:
        """Compare-and-set of a version's state."""
        status = await self._db.execute(
            "UPDATE version_states SET state = $4, reason = $5, changed_at = now() "
            "WHERE plan_id = $1 AND version = $2 AND state = ANY($3)",
            ref.plan_id,
            ref.version,
            [state.value for state in frm],
            to.value,
            reason,
        )
        return touched(status) == 1

    async def open_refs(self) -> list[VersionRef]:
        """Versions that wait or execute."""
        rows = await self._db.fetch(
            "SELECT s.plan_id::text AS plan_id, s.version, s.epoch FROM version_states s "
            "JOIN plans p ON p.id = s.plan_id WHERE p.tenant = $1 "
            "AND s.state IN ('waiting', 'approved', 'executing') ORDER BY s.changed_at",
            self._tenant,
        )
        return [VersionRef.model_validate(dict(row)) for row in rows]

    async def set_epoch(self, ref: VersionRef, epoch: int) -> None:
        """Fence earlier workflows of this version."""
        await self._db.execute(
            "UPDATE version_states SET epoch = $3 "
            "WHERE plan_id = $1 AND version = $2 AND epoch < $3",
            ref.plan_id,
            ref.version,
            epoch,
        )

    async def epoch(self, ref: VersionRef) -> int:
        """The epoch whose workflow may act."""
        return int(
            await self._db.fetchval(
                "SELECT epoch FROM version_states WHERE plan_id = $1 AND version = $2",
                ref.plan_id,
                ref.version,
            )
            or 0
        )


@contextmanager
def naming() -> Iterator[None]:
    """What can't be the name of a plan or a version is none: buttons and programs make claims."""
    try:
        yield
    except asyncpg.DataError as error:
        raise NotFound("There is no such plan.") from error


def stored(body: str) -> PlanVersion:
    """A version as it was written. Raises `Tampered`: we write none that can't be read again."""
    try:
        return PlanVersion.model_validate_json(body)
    except ValidationError as error:
        raise Tampered(
            "A stored plan version can't be read. Someone changed it outside of Carapulse."
        ) from error
