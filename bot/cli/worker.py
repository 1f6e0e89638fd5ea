"""`carapulse worker`: draft and execute plans, or make the calls of one cluster."""


async def worker(*, tools: str = "") -> None:
    """Draft and execute plans, until Ctrl-C or SIGTERM.

    Needs CARAPULSE_POSTGRES__DSN, the gate's public keys, and CARAPULSE_TEMPORAL__ADDRESS unless
    CARAPULSE_ENGINE is direct.

    Args:
        tools: be a runner: make the calls of this environment and cluster alone, such as
            prod/eu-1. `carapulse runner create` says what it needs.
    """
    from bot.cli.serving import until_stopped
    from bot.process import open_worker
    from bot.runner import open_runner
    from engine.configured import redactor
    from engine.domain.site import Site
    from engine.settings import Settings
    from engine.telemetry.logs import configure

    settings = Settings.load()
    redact = redactor(settings).text
    log = settings.log
    service = "runner" if tools else "worker"
    configure(level=log.level, style=log.format, service=service, redact=redact)
    if tools:
        site = Site.parse(tools)
        await until_stopped(lambda: open_runner(settings, site))
    else:
        await until_stopped(lambda: open_worker(settings))
