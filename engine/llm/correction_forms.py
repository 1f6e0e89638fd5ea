"""The forms of what is said about a plan on the table; each is the form of a whole sentence."""

import re
from enum import StrEnum


class About(StrEnum):
    """What a question about the plan is about."""

    WHY = "why"
    DOES = "does"
    FAILS = "fails"
    WHO = "who"
    RISK = "risk"
    EXPIRES = "expires"
    CHANGED = "changed"
    DRY_RUN = "dry_run"


LEAD = re.compile(
    r"(?:(?:ok|okay|yes|no|hm+|well|actually|wait(?=,)|and|but|also|then|so|please|pls|now|hey|right|"
    r"can you|could you|would you|can we|could we|let us|let's|lets|i would like to|i'd like to|"
    r"i want to|i want you to|we want to|we need to|you should|just)[,:]?\s+)+",
    re.IGNORECASE,
)
TAIL = re.compile(
    r"(?:[\s,]+(?:please|pls|instead|then|thanks|thank you|thx|now|for now|rather|too|as well|"
    r"maybe|better))*[\s.!?]*$",
    re.IGNORECASE,
)
PARTS = re.compile(r"\s*(?:[;\n]|\.\s|,?\s+and\s+(?:also\s+|then\s+)?|,\s+(?:then\s+)?)\s*")
STEP = r"(?:the )?steps? (?:number |no\.? |#)?(?P<step>\d{1,2})"
SPAN = r"(?P<amount>\d{1,4}) ?(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hours?)"
WORD = r"[a-z_][\w.-]*"
UNITS = {"s": 1, "m": 60, "h": 3600}


def form(pattern: str) -> re.Pattern[str]:
    """A form of a whole sentence."""
    return re.compile(pattern, re.IGNORECASE)


DROP = form(
    r"(?:drop|remove|delete|skip|omit|leave out|take out|cut|without|no) (?:the )?steps? "
    r"(?P<steps>\d{1,2}(?:(?:\s*,\s*|\s*(?:and|&)\s*)\d{1,2})*)(?: out)?"
)
DROP_LAST = form(r"(?:drop|remove|delete|skip|omit|leave out|take out|cut) (?:the )?last step")
VALUE_OF_STEP = form(
    rf"(?:in |for |on )?{STEP}[,:]? (?:set |use |make |change |should be |with )?(?:the )?"
    rf"(?:(?P<name>{WORD})(?: to| =|:|=| is| should be)? )?(?P<value>\S+)"
)
STEP_LAST = form(
    rf"(?:set|use|make|change|put) (?:the )?(?P<name>{WORD})(?: (?:of|in|for|on) {STEP})"
    r"(?: to| =)? (?P<value>\S+)"
)
COUNTED = form(
    rf"(?:use|set|make it|take|with|go for|go with|only|try|scale to|scale it to|to|run|have|"
    rf"set it to|do)? ?(?P<value>-?\d[\d.]*) (?P<name>{WORD}(?: {WORD})?)"
)
NAMED = form(
    rf"(?:set|change|put|make|raise|lower|increase|decrease|reduce|bump|use|with)? ?(?:the )?"
    rf"(?P<name>{WORD}(?: (?!(?:to|from|at|is|should|must)\b){WORD})?)(?: from \S+)?"
    r"(?: to| =|=|:| should be| must be)? (?P<value>\S+)"
)
ONLY = form(
    r"(?:make it|use|try|set it to|set to|change it to|take|go with|go for|scale it to|scale to|"
    r"raise it to|lower it to|better|rather)? ?(?P<value>-?\d[\d.]*)"
)
CHECK = form(
    r"(?:add|include|put in|append) (?:a|an|another|some|one more)? ?(?:check|checks|verification|"
    r"verify step|check step|verify|test)(?: (?:at the end|afterwards|after it|after that|of it|"
    r"for it|for that|to it))?|(?:check|verify|test) (?:it|that|this|the result)?"
    r"(?: worked| works)? ?(?:afterwards|after it|after that|at the end|in the end)"
)
HOLD = form(
    rf"(?:hold|keep|watch|run|make) (?:the )?(?:check|verification|{STEP})(?: hold)?"
    rf"(?: for)? {SPAN}|(?:check|verify|watch)(?: it)?(?: for)? {SPAN.replace('<', '<x')}"
)
WAIT = form(
    rf"wait(?: for)? {SPAN} before {STEP}|(?:before {STEP.replace('<', '<x')},? )wait(?: for)? "
    rf"{SPAN.replace('<', '<x')}"
)
LIMIT = form(
    r"(?:set|make|use|change|put|lower|raise|keep|take|with)? ?(?:an? |the )?"
    r"(?:(?P<what>[a-z][\w ]{0,40}?) )?(?:limit|threshold)"
    rf"(?: (?:of|in|for|on) (?:{STEP}|(?:the )?(?P<xwhat>[a-z][\w ]{{0,30}}?)))?"
    r"(?: to| =|=|:| at| of| is| should be| must be)? "
    r"(?P<value>\d{1,9}(?:\.\d{1,6})?)(?: ?(?P<percent>%|percent|per cent))?"
)
# Something that is to become of the plan, whether or not its form is known.
ORDERS = form(
    r"(?:wait|swap|move|do|run|start|put|make|use|change|set|split|reorder|delay|schedule|switch|"
    r"replace|begin|postpone|hold|execute|skip|add|drop|reverse|repeat)\b.*"
)
OF_PLAN = form(
    rf".*(?:\b{STEP.replace('(?P<step>', '(?:')}\b|\bsteps\b|\binstead\b|"
    r"\b(?:at|until|after|before) \d{1,2}(?::\d\d)? ?(?:am|pm|h|o'clock|utc)?\b|"
    r"\b(?:tomorrow|tonight|later|noon|midnight)\b|"
    rf"\b(?:in|for|wait) {SPAN}\b).*"
)
AWAY = form(
    r"(?:not|never|nothing|don't do (?:it|this|that)|do not do (?:it|this|that)|leave) "
    r"(?:in|on|to|touch)? ?(?P<place>[a-z][\w/-]*)(?: alone| out)?"
)
PLACE = form(
    r"(?:do (?:it|this|that) |run (?:it|this) |only |try (?:it )?|start )?(?:in|on) "
    r"(?P<place>[a-z][\w/-]*)(?: first| only)?"
)
ASKED: tuple[tuple[About, re.Pattern[str]], ...] = (
    (
        About.WHY,
        form(
            rf"(?:why|what for|what is the point of|what's the point of)(?: do we need| do you need"
            rf"| is there| is| need| do)?(?: (?:{STEP}|this|that|(?:this |the )?plan))?"
            r"(?: needed| necessary| there| for)?"
            rf"|(?:why do (?:we|you) (?:do|want|need)) {STEP.replace('<', '<x')}"
        ),
    ),
    (
        About.DOES,
        form(
            rf"what (?:does|will|would|is) {STEP}(?: do| change| run| mean)?(?: exactly| for)?"
            rf"|(?:explain|describe|show(?: me)?|tell me about) {STEP.replace('<', '<x')}"
            r"(?: exactly| in detail)?"
        ),
    ),
    (
        About.FAILS,
        form(
            r"(?:and )?(?:what|what happens|what will happen|what do you do|what then)(?:,)? "
            rf"(?:if|when) (?:it|this|that|something|the plan|{STEP}|a step|the check) "
            r"(?:fails|fail|breaks|goes wrong|does not work|doesn't work)"
            r"|(?:how (?:is|would|will) (?:it|this|that) (?:be )?(?:undone|rolled back))"
            r"|(?:can (?:it|this|that) be (?:undone|rolled back|reverted))"
        ),
    ),
    (
        About.WHO,
        form(
            r"who (?:can|may|has to|have to|must|needs to|should|is allowed to|could|will) "
            r"approve(?: it| this| that| the plan)?|whose approval (?:is|do (?:we|you|i)) "
            r"(?:needed|need|missing)|who (?:is|are) (?:the )?approvers?|who approves(?: it| this)?"
        ),
    ),
    (
        About.RISK,
        form(
            r"how (?:risky|dangerous|safe|bad) is (?:it|this|that|the plan)|what is the risk"
            r"|what's the risk|is (?:it|this|that) (?:risky|safe|dangerous)|"
            r"why (?:is (?:it|this) )?(?:low|medium|high) risk"
        ),
    ),
    (
        About.EXPIRES,
        form(
            r"when does (?:it|this|the plan) expire|until when can (?:it|this|i|we) "
            r"(?:be )?(?:approved?|decided?)|how long (?:is (?:it|this) valid|do we have)"
        ),
    ),
    (
        About.CHANGED,
        form(
            r"what (?:changed|is different|is new|has changed|differs)(?: (?:from|since|to|in|"
            r"between))? (?:v\d+|the (?:last|previous|first|old) version|the versions|this version)"
            r"(?: and v\d+)?|(?:show (?:me )?)?the (?:diff|difference|changes) (?:to|from|between) "
            r"(?:v\d+|the (?:last|previous|old) version|the versions)"
        ),
    ),
    (
        About.DRY_RUN,
        form(
            r"(?:do |make |try |run |start |show (?:me |us )?)?(?:a |the )?(?:dry[ -]?run|preview)"
            r"(?: it| this| that| the plan)?(?: first| of it| of the plan)?|dry[ -]?run (?:it|"
            r"this|that)(?: first)?|"
            r"(?:what|what exactly) (?:would|will) (?:it|this|that|the plan) change"
            r"|show (?:me |us )?(?:the |a )?(?:diff|difference|patch)(?: first)?"
        ),
    ),
)
