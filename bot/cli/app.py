"""The `carapulse` command: one noun per file, loaded when it is used."""

import sys
from importlib.metadata import version

from cyclopts import App

from engine.errors import CarapulseError

COMMANDS = (
    ("up", "bot.cli.up:up", "Start everything on this machine, and keep it running."),
    ("demo", "bot.cli.demo:demo", "Play one incident from alert to fix, and print its thread."),
    ("bot", "bot.cli.bot:bot", "Serve Slack and the HTTP sidecar."),
    ("worker", "bot.cli.worker:worker", "Draft and execute plans."),
    ("runner", "bot.cli.runner:runner", "Make, list and remove runners next to a cluster."),
    ("migrate", "bot.cli.migrate:migrate", "Bring the database schema up to date."),
    ("doctor", "bot.cli.doctor:doctor", "Say what is configured, what answers, and what to mend."),
    ("audit", "bot.cli.audit:audit", "Show, verify and export the audit."),
    ("keys", "bot.cli.keys:keys", "List, rotate and retire the keys that sign approvals."),
    ("policy", "bot.cli.policy:policy", "Try rules out, and pack them for an OPA server."),
    ("redact", "bot.cli.redact:redact", "Take secrets out of what comes in, and print the rest."),
    ("tools", "bot.cli.tools:tools", "List, show, check and run tools; read command lines."),
    ("plan", "bot.cli.plan:plan", "Ask for plans, list and show them."),
    ("freeze", "bot.cli.freeze:freeze", "List, set and lift freezes: nothing starts to change."),
    ("llm", "bot.cli.llm:llm", "Show language models, what they cost, and log in to one."),
    ("eval", "bot.cli.eval:evals", "Score drafts against scenarios."),
    ("approval", "bot.cli.approval:approval", "List what waits for people; approve or reject it."),
    ("token", "bot.cli.token:token", "Make, list and revoke tokens."),
    ("execution", "bot.cli.execution:execution", "Show executions; pause, cancel, decide."),
    ("runbook", "bot.cli.runbook:runbook", "List, show, write and remove runbooks."),
    ("playbook", "bot.cli.playbook:playbook", "List, show, write and remove playbooks."),
    ("workflow", "bot.cli.workflow:workflow", "List, show, check and start workflows."),
    ("memory", "bot.cli.memory:memory", "List, add and forget facts."),
    ("session", "bot.cli.session:session", "List, open, share and close sessions."),
)
"""Name, where it is, and its one line in `carapulse --help`."""

FAILED = 1
INTERRUPTED = 130


def build() -> App:
    """Return the command without importing any of its parts."""
    app = App(
        name="carapulse",
        help="Plans in a Slack thread, approved by people, executed durably.",
        version=lambda: version("carapulse"),
    )
    for name, path, line in COMMANDS:
        app.command(path, name=name, help=line)
    return app


def main() -> None:
    """Run the command line; an expected error is one line and exit code 1."""
    try:
        build()()
    except CarapulseError as error:
        sys.stderr.write(f"carapulse: {error}\n")
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
