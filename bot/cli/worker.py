"""`carapulse worker`: draft and execute plans."""


async def worker() -> None:
    """Draft and execute plans, until Ctrl-C or SIGTERM.

    Needs CARAPULSE_POSTGRES__DSN and CARAPULSE_TEMPORAL__ADDRESS, and the gate's public keys.
    """
    from bot.cli.serving import until_stopped
    from bot.process import open_worker
    from engine.configured import known_values
    from engine.settings import Settings
    from engine.telemetry.logs import configure
    from engine.tools.redaction import Redactor

    settings = Settings.load()
    redact = Redactor(known_values(settings)).text
    log = settings.log
    configure(level=log.level, style=log.format, service="worker", redact=redact)
    await until_stopped(lambda: open_worker(settings))
