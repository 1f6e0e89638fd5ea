"""`carapulse bot`: serve Slack and the HTTP sidecar."""


async def bot() -> None:
    """Serve Slack and the HTTP sidecar, until Ctrl-C or SIGTERM.

    Needs CARAPULSE_POSTGRES__DSN, SLACK_BOT_TOKEN, SLACK_APP_TOKEN and the gate's signing key.
    """
    from bot.cli.serving import until_stopped
    from bot.process import open_bot
    from engine.settings import Settings
    from engine.telemetry.logs import configure

    settings = Settings.load()
    configure(level=settings.log.level, style=settings.log.format, service="bot")
    await until_stopped(lambda: open_bot(settings))
