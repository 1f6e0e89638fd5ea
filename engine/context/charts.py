"""Pictures: a number over time, and what depends on what. SVG of ours, made into PNG.

Text needs a font on the machine; without one a picture has lines and no words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import pygal
import resvg_py
from grandalf.graphs import Edge, Graph, Vertex
from grandalf.layouts import SugiyamaLayout
from pygal.style import Style

from engine.domain.charts import Chart, Point
from engine.domain.graph import Graph as Services

WIDTH, HEIGHT = 900, 420
MOST_POINTS = 240
SCALE = 2
BOX_HEIGHT, CHARACTER, PADDING = 34, 8, 24
BETWEEN, BESIDE, MARGIN = 70, 18, 24
NAME = 24
FONT = "DejaVu Sans, Liberation Sans, Noto Sans, Arial, sans-serif"
STYLE = Style(
    background="#ffffff",
    plot_background="#ffffff",
    foreground="#1f2933",
    foreground_strong="#1f2933",
    foreground_subtle="#9aa5b1",
    colors=("#2563eb",),
    font_family=FONT,
    label_font_size=13,
    major_label_font_size=13,
    title_font_size=17,
    legend_font_size=13,
)


@dataclass(frozen=True, slots=True)
class Box:
    """A service in the picture; the middle of its box."""

    name: str
    x: float
    y: float
    width: float


def chart_png(chart: Chart) -> bytes:
    """The course of a number, times in UTC."""
    points = chart.thinned(MOST_POINTS)
    line = pygal.Line(
        width=WIDTH,
        height=HEIGHT,
        style=STYLE,
        show_legend=False,
        dots_size=1.5,
        fill=False,
        # pygal escapes by itself
        title=printable(f"{chart.title} ({chart.unit})" if chart.unit else chart.title, 80),
        truncate_label=-1,
        x_title="Time (UTC)",
        x_label_rotation=0,
        include_x_axis=True,
        margin=20,
    )
    line.x_labels = labels(points)
    line.add("", [float(point.value) for point in points])
    return png(line.render(is_unicode=True))


def labels(points: Sequence[Point]) -> list[str]:
    """About six times of the day, so that they don't overlap; nothing under the other points."""
    every = max(1, len(points) // 6)
    return [f"{point.at:%H:%M}" if at % every == 0 else "" for at, point in enumerate(points)]


def graph_png(services: Services) -> bytes:
    """Who uses whom, left to right: what is at the left needs what is at the right."""
    boxes = placed(services)
    left = min(box.x - box.width / 2 for box in boxes.values()) - MARGIN
    top = min(box.y for box in boxes.values()) - BOX_HEIGHT / 2 - MARGIN
    width = max(box.x + box.width / 2 for box in boxes.values()) + MARGIN - left
    height = max(box.y for box in boxes.values()) + BOX_HEIGHT / 2 + MARGIN - top
    inside = [arrow(boxes[one], boxes[other]) for one, other in services.edges]
    inside += [drawn(box, focus=box.name == services.focus) for box in boxes.values()]
    frame = f"{left:.0f} {top:.0f} {width:.0f} {height:.0f}"
    return png(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{frame}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="{FONT}" font-size="14">'
        '<defs><marker id="end" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0 10 5 0 10z" fill="#7b8794"/></marker></defs>'
        f'<rect x="{left:.0f}" y="{top:.0f}" width="100%" height="100%" fill="#ffffff"/>'
        f"{''.join(inside)}</svg>"
    )


def placed(services: Services) -> Mapping[str, Box]:
    """Where each service is drawn; the layout goes downwards and is turned on its side."""
    vertices = {name: Vertex(name) for name in services.names}
    for name, vertex in vertices.items():
        vertex.view = Room(BOX_HEIGHT, box_width(name))
    edges = [Edge(vertices[one], vertices[other]) for one, other in services.edges]
    found: dict[str, Box] = {}
    below = 0.0
    for part in Graph(list(vertices.values()), edges).C:
        layout = SugiyamaLayout(part)
        layout.xspace, layout.yspace = BESIDE, BETWEEN
        layout.init_all()
        layout.draw(3)
        at = [vertex.view.xy for vertex in part.sV]
        shift = below - min(x for x, _ in at)
        for vertex in part.sV:
            x, y = vertex.view.xy
            found[vertex.data] = Box(vertex.data, y, x + shift, box_width(vertex.data))
        below += max(x for x, _ in at) - min(x for x, _ in at) + 2 * BOX_HEIGHT
    return found


class Room:
    """What the layout asks of a vertex: its size, and a place to write where it goes."""

    def __init__(self, width: float, height: float) -> None:
        self.w = width
        self.h = height
        self.xy = (0.0, 0.0)


def box_width(name: str) -> float:
    """As wide as its words."""
    return min(len(name), NAME) * CHARACTER + PADDING


def drawn(box: Box, *, focus: bool) -> str:
    """One service; the one that was asked about stands out."""
    fill, edge, ink = (
        ("#2563eb", "#1d4ed8", "#ffffff") if focus else ("#f5f7fa", "#9aa5b1", "#1f2933")
    )
    x, y = box.x - box.width / 2, box.y - BOX_HEIGHT / 2
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{BOX_HEIGHT}" rx="6" '
        f'fill="{fill}" stroke="{edge}"/><text x="{box.x:.1f}" y="{box.y + 5:.1f}" '
        f'text-anchor="middle" fill="{ink}">{escaped(box.name, NAME)}</text>'
    )


def arrow(one: Box, other: Box) -> str:
    """From who needs to what is needed."""
    x1, x2 = one.x + one.width / 2, other.x - other.width / 2
    middle = (x1 + x2) / 2
    return (
        f'<path d="M{x1:.1f} {one.y:.1f} C{middle:.1f} {one.y:.1f} {middle:.1f} {other.y:.1f} '
        f'{x2:.1f} {other.y:.1f}" fill="none" stroke="#7b8794" stroke-width="1.4" '
        'marker-end="url(#end)"/>'
    )


def printable(text: str, most: int) -> str:
    """Words of others: only what can be printed, cut."""
    plain = "".join(each for each in text if each.isprintable())
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def escaped(text: str, most: int) -> str:
    """The same inside XML that we write ourselves."""
    return escape(printable(text, most), {'"': "&quot;"})


def png(svg: str) -> bytes:
    """At twice its size, for the screens of phones."""
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=SCALE))
