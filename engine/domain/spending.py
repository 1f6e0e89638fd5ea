"""What language models have cost, and what they may cost in a day."""

from datetime import date

from engine.domain.model import Model


class Spent(Model):
    """Tokens of both directions, and microdollars where prices are known."""

    tokens: int = 0
    microdollars: int = 0


class Hold(Model):
    """What was set aside for a question, or why nothing was; it is settled on the same day."""

    day: date
    person: str
    spent: Spent
    refusal: str = ""


class Allowance(Model):
    """The most for one day, for all and for each person; 0 is no limit."""

    tokens_per_day: int = 0
    tokens_per_person: int = 0
    microdollars_per_day: int = 0
    microdollars_per_person: int = 0

    @property
    def limited(self) -> bool:
        """Whether anything is limited at all."""
        return any(self.model_dump().values())


class DaySpending(Model):
    """One line of what a day has cost so far; an empty person is everybody together."""

    day: date
    person: str
    questions: int
    spent: Spent
