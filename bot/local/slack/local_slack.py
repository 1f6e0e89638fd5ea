"""One local workspace with everything that belongs to it."""

from dataclasses import dataclass

from bot.local.slack.connections import Connections
from bot.local.slack.deliveries import Deliveries
from bot.local.slack.events import Events
from bot.local.slack.faults import Faults
from bot.local.slack.feed import Feed
from bot.local.slack.limits import Budgets
from bot.local.slack.present import Presenter
from bot.local.slack.responses import ResponseUrls
from bot.local.slack.stats import Stats
from bot.local.slack.statuses import Statuses
from bot.local.slack.tickets import Tickets
from bot.local.slack.timeline import Timeline
from bot.local.slack.triggers import Triggers
from bot.local.slack.views import Views
from bot.local.slack.workspace import Workspace
from bot.local.slack.world import World


@dataclass(slots=True)
class LocalSlack:
    """What the handlers of every route share."""

    url: str
    workspace: Workspace
    present: Presenter
    feed: Feed
    faults: Faults
    stats: Stats
    budgets: Budgets
    tickets: Tickets
    triggers: Triggers
    connections: Connections
    deliveries: Deliveries
    events: Events
    timeline: Timeline
    views: Views
    responses: ResponseUrls
    statuses: Statuses

    @property
    def api_url(self) -> str:
        """What a client takes as its base URL."""
        return f"{self.url}/api/"


def assemble(world: World, url: str, *, budgets: bool) -> LocalSlack:
    """Put a workspace together. `url` is where it will be reached."""
    workspace = Workspace(world)
    present = Presenter(workspace, url)
    feed, faults, stats = Feed(workspace), Faults(), Stats()

    def connections_changed(count: int) -> None:
        feed.to_all({"type": "connections", "n": count})

    connections = Connections(world.app.id, stats, connections_changed)
    deliveries = Deliveries(connections, faults, stats)
    events = Events(workspace, present, deliveries)
    timeline = Timeline(workspace, present, feed, events)
    return LocalSlack(
        url=url,
        workspace=workspace,
        present=present,
        feed=feed,
        faults=faults,
        stats=stats,
        budgets=Budgets(on=budgets),
        tickets=Tickets(),
        triggers=Triggers(faults),
        connections=connections,
        deliveries=deliveries,
        events=events,
        timeline=timeline,
        views=Views(workspace, present, feed),
        responses=ResponseUrls(url, workspace, timeline),
        statuses=Statuses(feed),
    )
