"""Small pages of the sidecar: no scripts, nothing from elsewhere, every value escaped."""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

FOLDER = Path(__file__).parent


class Page(NamedTuple):
    """What a page says, in the order in which it is shown; `link` leads on."""

    title: str
    lines: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    steps: Sequence[str] = ()
    more: str = ""
    link: str = ""
    go: str = ""
    small: str = ""


def shown(page: Page, *, status: int = 200) -> web.Response:
    """The page, with headers that let nothing in and nothing out."""
    template, style = read()
    return web.Response(
        status=status,
        text=template.render(**page._asdict(), style=style),
        content_type="text/html",
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy(style),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


@cache
def read() -> tuple[Template, str]:
    """The template and its style, read when the first page is shown."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html"), (FOLDER / "page.css").read_text("utf-8")


def policy(style: str) -> str:
    """Nothing but this very style."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
