"""Says so, waits, and says so again: time in which a test can break something."""

import sys
import time


def say(words: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


say(f"waiting {sys.argv[1]} the push")
time.sleep(float(sys.argv[2]))
say(f"waited {sys.argv[1]} the push")
