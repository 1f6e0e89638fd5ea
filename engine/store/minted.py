"""What was given to calls and is not taken back yet, in Postgres."""

from dataclasses import dataclass

from engine.domain.minted import Minted
from engine.store.connection import Pool, answering

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class PostgresMinted:
    """The `MintedRecords` port. Each act is a transaction of its own: a call waits for it."""

    pool: Pool
    tenant: str

    async def keep(self, minted: Minted) -> None:
        """Remember it before it is used."""
        async with answering():
            await self.pool.execute(
                "INSERT INTO minted (tenant, giver, id, connection, holder, until, expires) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                self.tenant,
                minted.giver.value,
                minted.id,
                minted.connection,
                minted.holder,
                minted.until,
                minted.expires,
            )

    async def forget(self, minted: Minted) -> None:
        """It was taken back."""
        async with answering():
            await self.pool.execute(
                "DELETE FROM minted WHERE tenant = $1 AND giver = $2 AND id = $3",
                self.tenant,
                minted.giver.value,
                minted.id,
            )

    async def out(self) -> list[Minted]:
        """Those that are over first."""
        async with answering():
            rows = await self.pool.fetch(
                "SELECT giver, id, connection, holder, until, expires FROM minted "
                "WHERE tenant = $1 ORDER BY until LIMIT $2",
                self.tenant,
                AT_ONCE,
            )
        return [Minted.model_validate(dict(row)) for row in rows]
