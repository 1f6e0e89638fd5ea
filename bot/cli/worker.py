"""`carapulse worker`: draft and execute plans."""


async def worker() -> None:
    """Draft and execute plans, until Ctrl-C or SIGTERM.

    Needs CARAPULSE_POSTGRES__DSN and CARAPULSE_TEMPORAL__ADDRESS, and the gate's public keys.
    """
    from bot.cli.serving import until_stopped
    from bot.process import open_worker
    from engine.settings import Settings
    from engine.telemetry.logs import configure

    settings = Settings.load()
    configure(level=settings.log.level, style=settings.log.format, service="worker")
    await until_stopped(lambda: open_worker(settings))
