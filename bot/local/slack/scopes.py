"""The scopes that the local app is installed with: those of the manifest that we ship."""

from typing import Any

import yaml

from engine.resources import shipped

HEADER = "X-OAuth-Scopes"


def granted() -> str:
    """As Slack tells them in the headers of its answers."""
    text = (shipped("deploy") / "slack-manifest.yaml").read_text(encoding="utf-8")
    manifest: Any = yaml.safe_load(text)
    return ",".join(manifest["oauth_config"]["scopes"]["bot"])
