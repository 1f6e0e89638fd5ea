"""Modals and App Homes: which view each person has in front of them."""

import secrets
from dataclasses import replace

from bot.local.slack.feed import Feed
from bot.local.slack.model import Json, View
from bot.local.slack.present import Presenter
from bot.local.slack.refusal import Refused
from bot.local.slack.timeline import name_actions
from bot.local.slack.validate import accept_view
from bot.local.slack.workspace import Workspace

DEEPEST = 3


class Views:
    """At most three modals on top of each other, and one App Home per person."""

    def __init__(self, workspace: Workspace, presenter: Presenter, feed: Feed) -> None:
        self._workspace = workspace
        self._presenter = presenter
        self._feed = feed

    def open(self, user_id: str, described: Json) -> View:
        """Show a modal."""
        self._external_id_is_free(described)
        view = self._new(user_id, described, "modal")
        self._workspace.modals[user_id] = [view]
        self._tell("view_opened", view)
        return view

    def push(self, user_id: str, described: Json) -> View:
        """Show a modal on top of the one that is open."""
        stack = self._workspace.modals.get(user_id, [])
        if not stack:
            raise Refused("not_found")
        if len(stack) >= DEEPEST:
            raise Refused("push_limit_reached")
        self._external_id_is_free(described)
        view = replace(
            self._new(user_id, described, "modal"),
            previous_id=stack[-1].id,
            root_id=stack[0].id,
        )
        stack.append(view)
        self._tell("view_pushed", view)
        return view

    def update(self, view: View, described: Json, view_hash: str = "") -> View:
        """Replace what a view shows. A hash that is out of date loses the race."""
        if view_hash and view_hash != view.hash:
            raise Refused("hash_conflict")
        fresh = self._new(view.user, described, view.type)
        kept = {name: values for name, values in view.values.items() if has_block(fresh, name)}
        updated = replace(
            fresh, id=view.id, root_id=view.root_id, previous_id=view.previous_id, values=kept
        )
        self._put(updated)
        self._tell("home" if view.type == "home" else "view_updated", updated)
        return updated

    def publish(self, user_id: str, described: Json, view_hash: str = "") -> View:
        """Set the App Home of a person."""
        self._workspace.user(user_id)
        current = self._workspace.homes.get(user_id)
        if current is not None:
            return self.update(current, described, view_hash)
        view = self._new(user_id, described, "home")
        self._workspace.homes[user_id] = view
        self._tell("home", view)
        return view

    def remember(self, view: View, values: Json) -> View:
        """Keep what the person has typed and chosen so far."""
        merged = {**view.values, **values}
        kept = replace(view, values=merged)
        self._put(kept)
        return kept

    def close(self, view: View, *, everything: bool = False) -> None:
        """Take a modal away, or the whole stack."""
        stack = self._workspace.modals.get(view.user, [])
        left = [] if everything else stack[: index_of(stack, view)]
        self._workspace.modals[view.user] = left
        event: Json = {"type": "view_closed", "view_id": view.id, "all": not left}
        self._feed.to_user(view.user, event)

    def show_errors(self, view: View, errors: Json) -> None:
        """Put messages under fields."""
        event: Json = {"type": "view_errors", "view_id": view.id, "errors": errors}
        self._feed.to_user(view.user, event)

    def by_external_id(self, external_id: str) -> View:
        """The open view that the app gave this id."""
        for stack in self._workspace.modals.values():
            for view in stack:
                if external_id and view.external_id == external_id:
                    return view
        raise Refused("not_found")

    def _new(self, user_id: str, described: Json, kind: str) -> View:
        accept_view(described)
        if described["type"] != kind:
            raise Refused("invalid_arguments", f"must be a {kind} [json-pointer:/view/type]")
        blocks = [
            name_actions({**block, "block_id": block.get("block_id") or secrets.token_hex(3)})
            for block in described.get("blocks", [])
        ]
        shell = {name: described[name] for name in described if name in View.__slots__}
        view_id = self._workspace.new_id("V")
        return View(
            **{
                **shell,
                "id": view_id,
                "user": user_id,
                "blocks": blocks,
                "hash": f"{self._workspace.new_ts().partition('.')[0]}.{secrets.token_hex(4)}",
                "root_id": view_id,
            }
        )

    def _external_id_is_free(self, described: Json) -> None:
        external_id = described.get("external_id") if isinstance(described, dict) else None
        views = (view for stack in self._workspace.modals.values() for view in stack)
        if external_id and any(view.external_id == external_id for view in views):
            raise Refused("duplicate_external_id")

    def _put(self, view: View) -> None:
        if view.type == "home":
            self._workspace.homes[view.user] = view
            return
        stack = self._workspace.modals.get(view.user, [])
        self._workspace.modals[view.user] = [view if v.id == view.id else v for v in stack]

    def _tell(self, kind: str, view: View) -> None:
        event: Json = {"type": kind, "view": self._presenter.view(view)}
        self._feed.to_user(view.user, event)


def has_block(view: View, block_id: str) -> bool:
    """Whether the view still has this block."""
    return any(block.get("block_id") == block_id for block in view.blocks)


def index_of(stack: list[View], view: View) -> int:
    """Where a view is in its stack."""
    return next((n for n, each in enumerate(stack) if each.id == view.id), len(stack))
