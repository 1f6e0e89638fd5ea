"""A chart in a git repository, as a team keeps its own."""

from collections.abc import Mapping
from pathlib import Path

from bot.local.demo.git import Git

CHART = {
    "charts/till/Chart.yaml": "apiVersion: v2\nname: till\nversion: 1.0.0\n",
    "charts/till/values.yaml": "tag: 1.0.0\nreplicas: 1\n",
    "charts/till/templates/deployment.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: till, labels: {app: till}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: till}}
  template:
    metadata: {labels: {app: till}}
    spec: {containers: [{name: app, image: "registry.example/till:{{ .Values.tag }}"}]}
""",
}


async def chart_repository(path: Path, files: Mapping[str, str] = CHART) -> Path:
    """A repository with one commit on `main` that holds the chart, or other files."""
    path.mkdir(parents=True)
    git = Git(path)
    await git("init", "--quiet", "--initial-branch=main")
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    await git("add", ".")
    await git("-c", "user.name=Bo", "-c", "user.email=bo@shop", "commit", "--quiet", "-m", "till")
    return path
