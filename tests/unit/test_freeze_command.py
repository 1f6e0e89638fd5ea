"""What `carapulse freeze set` refuses before it asks anybody."""

import pytest

from bot.cli.freeze import set_one
from engine.errors import Invalid


async def test_a_lone_word_freezes_nothing() -> None:
    with pytest.raises(Invalid, match="--environment prod, --service checkout, or --all"):
        await set_one("prod")


async def test_everything_is_not_frozen_beside_a_place() -> None:
    with pytest.raises(Invalid, match="Say what is frozen"):
        await set_one("release day", environment="prod", everything=True)
