"""So often in a while, for each key of its own, and with an end to what is remembered."""

from engine.domain.turnstile import Turnstile


def turnstile(now: list[float], *, keys: int = 100) -> Turnstile:
    return Turnstile(3, 30, lambda: now[0], keys)


def test_the_fourth_in_a_while_waits_and_others_do_not() -> None:
    now = [0.0]
    gate = turnstile(now)

    for _ in range(3):
        gate.charge("a")

    assert (gate.wait("a"), gate.wait("b")) == (10, 0)


def test_after_a_while_it_goes_on_one_at_a_time() -> None:
    now = [0.0]
    gate = turnstile(now)
    for _ in range(3):
        gate.charge("a")

    now[0] = 10
    once = gate.wait("a")
    gate.charge("a")

    assert (once, gate.wait("a")) == (0, 10)


def test_however_many_come_so_many_are_remembered() -> None:
    gate = turnstile([0.0], keys=5)

    for number in range(1000):
        gate.charge(f"source {number}")

    assert len(gate) == 5
