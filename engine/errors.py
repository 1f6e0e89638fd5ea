"""What can go wrong in ways that a person can be told about; the type says what to do next."""


class CarapulseError(Exception):
    """Expected; its text is fit for a thread: what happened, and what to do."""


class Invalid(CarapulseError):
    """The input is wrong; `fields` maps a field's path to what is wrong with it."""

    def __init__(self, text: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.fields = dict(fields or {})


class NotFound(CarapulseError):
    """There is no such thing, or it is not yours to see."""


class Unidentified(CarapulseError):
    """What was shown does not prove who asks; the text says why."""


class NotAllowed(CarapulseError):
    """A rule forbids it; the text names the rule, the fact that broke it and the way out."""


class SignInNeeded(NotAllowed):
    """It would be allowed after a second sign-in; `url` is where, once somebody has made a link."""

    def __init__(self, text: str, url: str = "") -> None:
        super().__init__(text)
        self.url = url


class Frozen(CarapulseError):
    """It may be done, but not now; the text says until when, and it goes on by itself."""


class Conflict(CarapulseError):
    """It changed meanwhile; the text says what it is now."""


class Stale(Conflict):
    """Another revision than the one that the asker has seen."""


class TooMany(CarapulseError):
    """It was asked for too often; `seconds` until it may be asked for again."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Tampered(CarapulseError):
    """What is stored is not what was approved. Nothing runs; this is alarmed."""


class Unavailable(CarapulseError):
    """A component does not answer; trying again later can help."""

    def __init__(self, component: str, text: str) -> None:
        super().__init__(text)
        self.component = component


class ToolFailed(CarapulseError):
    """A tool ended, and is known to have failed."""


class DraftFailed(CarapulseError):
    """No usable draft came out of the planner; the text says why in words."""


class ConfigurationError(CarapulseError):
    """The settings or the installation can't work; the text says how to mend it."""
