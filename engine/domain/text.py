"""Text from outside as every store can hold it."""


def storable(text: str) -> str:
    """Without the characters that no database text holds: NUL, and halves of a pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
