"""Whom a connection trusts: read from disk once, because it takes longer than a question's way."""

import asyncio
import ssl


class Trust:
    """The system's certificates, loaded when they are first needed."""

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None

    async def context(self) -> ssl.SSLContext:
        """The same for every call."""
        if self._context is None:
            self._context = await asyncio.to_thread(ssl.create_default_context)
        return self._context
