"""`carapulse bot`: serve Slack and the HTTP sidecar."""


def bot() -> None:
    """Serve Slack and the HTTP sidecar, until Ctrl-C or SIGTERM.

    Needs CARAPULSE_POSTGRES__DSN, SLACK_BOT_TOKEN, SLACK_APP_TOKEN and the gate's signing key.
    """
    import uvloop

    from bot.cli.serving import until_stopped
    from bot.process import open_bot
    from engine.configured import redactor
    from engine.settings import Settings
    from engine.telemetry.logs import configure

    settings = Settings.load()
    redact = redactor(settings).text
    log = settings.log
    configure(level=log.level, style=log.format, service="bot", redact=redact)
    uvloop.run(until_stopped(lambda: open_bot(settings)))
