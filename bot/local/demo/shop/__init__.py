"""The demo's checkout service: reads its settings from git and really breaks on bad ones."""
