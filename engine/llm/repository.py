"""Steps for a service whose settings live in git: read the history first, then one new commit.

Nothing was looked at yet, so commits are references to what the first step will have read. A
folder holds one folder for each environment, so that one of them is changed and no other.
"""

import re

from engine.domain.model import Json
from engine.domain.plan import DraftStep
from engine.llm.aims import Aim, Refused

FILE = re.compile(r".+\.(?:ya?ml|json)")
SETTINGS = "values.yaml"
TAG = "image.tag"


def reverted(aim: Aim, first: int) -> list[DraftStep]:
    """Undo the last change of the settings."""
    given: dict[str, Json] = {
        **_place(aim),
        "commit": f"{{steps.{first}.last_commit}}",
        "expected_head": f"{{steps.{first}.head}}",
    }
    title = f"Revert the last change of {aim.service} in {aim.place}"
    return [_history(aim), aim.step("git.revert_commit", given, title)]


def restored(aim: Aim, first: int) -> list[DraftStep]:
    """Put the settings back to what they were at a commit that was named."""
    order = aim.order
    given: dict[str, Json] = {
        **_place(aim),
        "path": _folder(aim),
        "revision": order.revision,
        "expected_head": f"{{steps.{first}.head}}",
    }
    title = f"Put {aim.service} in {aim.place} back to {order.revision[:7]}"
    return [_history(aim), aim.step("git.restore", given, title)]


def written(aim: Aim, first: int, key: str, value: str) -> list[DraftStep]:
    """Write one value."""
    folder = _folder(aim)
    given: dict[str, Json] = {
        **_place(aim),
        "path": folder if FILE.fullmatch(folder) else f"{folder}/{SETTINGS}",
        "key": key,
        "value": typed(value),
        "expected_head": f"{{steps.{first}.head}}",
    }
    title = f"Set {key} of {aim.service} to {value} in {aim.place}"
    return [_history(aim), aim.step("git.set_value", given, title)]


def typed(text: str) -> Json:
    """Integers and truths as such, so that a file keeps their type; all else as written."""
    if re.fullmatch(r"-?(?:0|[1-9]\d{0,14})", text):
        return int(text)
    return {"true": True, "false": False}.get(text.casefold(), text)


def tag(aim: Aim, version: str) -> tuple[str, str]:
    """The key and the value that deploy a version."""
    return aim.told("gitops", "image_key") or TAG, version


def _history(aim: Aim) -> DraftStep:
    given = {**_place(aim), "path": _folder(aim), "limit": 10}
    title = f"Read the last changes of {aim.service} in {aim.told('gitops', 'repository')}"
    return aim.step("git.log", given, title)


def _place(aim: Aim) -> dict[str, Json]:
    remote = aim.told("gitops", "remote")
    if not remote:
        raise Refused(
            f"I can't change {aim.service}: its entry in the services file has no `gitops.remote`."
        )
    return {"remote": remote, "branch": aim.told("gitops", "branch") or "main"}


def _folder(aim: Aim) -> str:
    """Where the settings of the environment are; one file serves all."""
    path = aim.told("gitops", "path")
    return path if FILE.fullmatch(path) else f"{path}/{aim.context.environment}"
