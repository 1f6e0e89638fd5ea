"""`carapulse playbook`: what the offline planner drafts from."""

from bot.cli.documents import documents

playbook = documents("playbook")
