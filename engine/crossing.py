"""Named places at which a process may be ended by a test; passing them does nothing.

They are audit events of Python, so nothing of ours has to be switched on: only who can already run
code in the process, as the tests' own start-up file does, can hear them. No setting can.
"""

import sys

EVENT = "carapulse.crossing"


def crossing(name: str) -> None:
    """Say that this place was reached; tests/faults/points/ lists them all."""
    sys.audit(EVENT, name)
