"""`carapulse worker`: draft and execute plans."""


async def worker() -> None:
    """Draft and execute plans, until Ctrl-C or SIGTERM.

    Needs CARAPULSE_POSTGRES__DSN, the gate's public keys, and CARAPULSE_TEMPORAL__ADDRESS unless
    CARAPULSE_ENGINE is direct.
    """
    from bot.cli.serving import until_stopped
    from bot.process import open_worker
    from engine.configured import redactor
    from engine.settings import Settings
    from engine.telemetry.logs import configure

    settings = Settings.load()
    redact = redactor(settings).text
    log = settings.log
    configure(level=log.level, style=log.format, service="worker", redact=redact)
    await until_stopped(lambda: open_worker(settings))
