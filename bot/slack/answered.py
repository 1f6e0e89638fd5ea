"""The border between listeners and Bolt: every press is acknowledged, every failure told.

Exceptions never reach Bolt, which would lose the acknowledgement of a listener that raises soon
after it. An `Unavailable` is kept in the request's context, so that the job tries again.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from secrets import token_hex

import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.blocks.actions import SIGN_IN
from bot.slack.origins import Origin, origin
from bot.slack.whispers import Whispers
from engine.domain.model import Json
from engine.errors import CarapulseError, SignInNeeded, Unavailable

Listener = Callable[[AsyncArgs], Awaitable[None]]

INBOX = "carapulse_inbox"
WHISPERS = "carapulse_whispers"
WAITS = "carapulse_waits"
THREAD = "carapulse_thread"
log = structlog.get_logger(__name__)


def answered(listener: Listener) -> Listener:
    """Listeners wrapped in this neither acknowledge nor catch."""

    @wraps(listener)
    async def wrapper(args: AsyncArgs) -> None:
        await args.ack()  # stored before any listener runs, or handled within the 3 seconds
        try:
            await listener(args)
        except Unavailable as error:
            await wait(args, error)
        except SignInNeeded as error:
            await tell(args, str(error), [sign_in(error.url)])
        except CarapulseError as error:
            await tell(args, str(error))
        except Exception:
            reference = token_hex(4)
            name = getattr(listener, "__qualname__", "listener")
            log.exception("listener failed", action="slack.failed", listener=name, ref=reference)
            await tell(args, f"Something broke on my side, logged as `{reference}`.")

    return wrapper


async def wait(args: AsyncArgs, error: Unavailable) -> None:
    """A stored payload is tried again; one that is handled at once is answered."""
    if INBOX in args.context:
        args.context[WAITS] = error
    else:
        log.warning("not answered", action="slack.waits", component=error.component)


def sign_in(url: str) -> dict[str, Json]:
    """The way to a sign-in; the link is for this person alone, so it is only whispered."""
    return {"text": "Sign in", "action": SIGN_IN, "value": "-", "style": "primary", "url": url}


async def tell(args: AsyncArgs, text: str, buttons: Sequence[dict[str, Json]] = ()) -> None:
    """Tell the asker alone; if even that can't be stored, the payload is tried again."""
    whispers: Whispers = args.context[WHISPERS]
    try:
        await whispers.whisper(asker(args), text, buttons)
    except Unavailable as error:
        await wait(args, error)


def asker(args: AsyncArgs) -> Origin:
    """Who acted, and where; a listener may know the thread better than the payload."""
    found = origin(args.body)
    thread = args.context.get(THREAD)
    if thread is None:
        return found
    return Origin(found.user, found.team, found.channel, str(thread))
