"""Takes secrets out of text: by where they stand, by their values, formats, names and look."""

from engine.tools.redaction.masks import MASK
from engine.tools.redaction.own import OwnRules
from engine.tools.redaction.redactor import WITHHELD, Redaction, Redactor, Shape

__all__ = ["MASK", "WITHHELD", "OwnRules", "Redaction", "Redactor", "Shape"]
