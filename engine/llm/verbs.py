"""The verbs of operations: how each is written as an order, as a noun and after "needs"."""

import re
from dataclasses import dataclass
from enum import StrEnum

from engine.llm.patterns import ANY, ASKING, BACK, POLITE


class Verb(StrEnum):
    """What an order does to a service."""

    RESTART = "restart"
    SCALE = "scale"
    ROLL_BACK = "roll back"
    DEPLOY = "deploy"
    SYNC = "sync"
    SET = "set"
    ROTATE = "rotate"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A verb. `order` stands first in an order; `other` are participles, gerunds and nouns."""

    verb: Verb
    order: re.Pattern[str]
    other: re.Pattern[str]


def _lexeme(verb: Verb, order: str, other: str) -> Lexeme:
    return Lexeme(verb, re.compile(rf"(?:{order})(?!\w)"), re.compile(rf"(?:{other})(?!\w)"))


ROLLOUT = r"(?:the |this |that |current )*(?:<svc> )?(?:rollout|deployment|deploy|release)"
LEXEMES = (
    _lexeme(
        Verb.ROLL_BACK,
        rf"{BACK}|(?:rollout|helm|argocd) (?:undo|rollback)|un-?deploy|downgrade (?:{ANY})back",
        r"rolled back|rolling back|roll back|rollback|roll-back|revert(?:ed|ing)?|undo(?:ne|ing)?|"
        r"backed out|backing out|reversal",
    ),
    _lexeme(
        Verb.PAUSE,
        rf"(?:pause|halt|hold|suspend|freeze|stop) {ROLLOUT}|rollout pause|pause",
        r"paused|pausing|on hold",
    ),
    _lexeme(
        Verb.RESUME,
        rf"(?:resume|continue|unpause|unfreeze|proceed with) {ROLLOUT}|rollout resume|resume|"
        rf"unpause",
        r"resumed|resuming|unpaused|continued",
    ),
    _lexeme(
        Verb.ROTATE,
        r"rotate|re-?generate|renew|cycle(?= (?:\S+ ){0,4}(?:secrets?|passwords?|credentials?|"
        r"keys?|"
        r"tokens?)(?!\w))|roll(?= (?:\S+ ){0,4}(?:secrets?|passwords?|credentials?|creds|keys?|"
        r"tokens?)(?!\w))|change(?= (?:\S+ ){0,4}(?:passwords?|credentials?)(?!\w))",
        r"rotated|rotating|rotation|renewed|renewal",
    ),
    _lexeme(
        Verb.RESTART,
        r"(?:rolling |rollout |soft |quick |full |clean |graceful )*(?:re-?start|reboot|bounce|"
        r"recycle|power[- ]?cycle|respawn|re-?launch)|cycle|kick|give <svc> a (?:kick|bounce|"
        r"restart|reboot)|roll(?= (?:(?:the|all|our|these|its) )*(?:<svc>|pods?|it|them)(?: |$))"
        r"(?!(?: \S+){1,4} (?:back|out|forward)(?!\w))|turn (?:\S+ ){1,3}off and (?:back )?on"
        r"(?: again)?|bring (?:\S+ ){1,2}down and up(?: again)?",
        r"re-?start(?:ed|ing|s)?|reboot(?:ed|ing)?|bounc(?:ed|ing|e)|recycled?|recycling|kick(?:ed|"
        r"ing)?|cycled|cycling|relaunched",
    ),
    _lexeme(
        Verb.SYNC,
        r"(?:argo ?cd |argo |gitops )*(?:app )?(?:re-?)?sync(?:hroni[sz]e)?|reconcile|"
        r"(?:make|let|have) argo(?: ?cd)? (?:re-?)?(?:sync|apply)",
        r"(?:re-?)?sync(?:ed|ing|hroni[sz]ed|hroni[sz]ation)?|reconciled|reconciliation",
    ),
    _lexeme(
        Verb.SCALE,
        r"(?:up|down|re-?)?scale(?: (?:up|down|out|in|back))?|double|triple|halve|quadruple",
        r"scaled(?: (?:up|down|out|in))?|scaling(?: (?:up|down|out|in))?|doubled|tripled|halved|"
        r"doubling",
    ),
    _lexeme(
        Verb.DEPLOY,
        r"(?:re-?)?deploy|ship|release|roll ?out(?! (?:restart|undo|pause|resume|status|history))|"
        r"promote|upgrade|(?:helm|argocd) upgrade|downgrade|push(?! back)",
        r"deployed|deploying|shipped|released|releasing|rolled out|rolling out|promoted|upgraded|"
        r"upgrading|updated|bumped|moved|pinned|downgraded|deployment|upgrade|update|release|"
        r"rollout|"
        r"deploy",
    ),
)
# What these do depends on what stands with them: replicas, a version, a setting.
TAKE = re.compile(
    r"(?:use|run|take|set|get|give|make|put|bring|change|move|switch|update|bump|pin|go(?= (?:to|"
    r"with|for|up|down))|raise|lower|increase|decrease|reduce|add|remove|drop|cut|want|need|have|"
    r"try|spin up|start|grow|shrink|let|install|apply|crank|turn|adjust|configure|modify|edit|"
    r"ensure|keep|tune|extend|shorten|point|choose|pick|stick|force|write)(?!\w)"
)
ADDS = re.compile(r"(?:add|spin up|start|grow|raise|increase)(?!\w)")
REMOVES = re.compile(r"(?:remove|drop|cut|shrink|take away|lower|decrease|reduce)(?!\w)")
REPLICAS = re.compile(
    r"\b(?:replicas?|instances?|pods?|copies|copy|workers?|containers?|replica count|replicacount)"
    r"(?!\w)"
)
NEEDS = re.compile(
    r"^(?:(?:the|our|all|this|that|<svc>|<place>|in|on|service|services|pods?|deployment|it|they|"
    r"app|secrets?|password|passwords|credentials?|database|and|of|for) ){1,8}"
    r"(?:needs?|wants?|should|must|has to|have to|requires?|could use|ought to|can|gets?|deserves?|"
    r"to be|is due for|are due for)(?: (?:a|an|to|be|get|have|please|just|quick|rolling|another|"
    r"some|more|now|really|badly|urgently|probably|immediate|full))* "
)
DRAFT = re.compile(
    r"^(?:do|make|draft|prepare|plan|start|trigger|propose|create|perform|run|want|need|give|have|"
    r"initiate|kick off|execute|schedule|issue|request|requesting|get|launch|begin|force|fire|"
    r"do)(?: (?:me|us|a|an|the|another|for|some|<svc>|it|them|quick|rolling|new|full|clean|"
    r"emergency|"
    r"graceful|secrets?|credentials?|passwords?|helm|argocd|argo|config|in|<place>|please))* "
)
GOT = re.compile(
    r"^(?:get|have|want|need|see|i want|like)(?: (?:the|our|<svc>|<place>|in|on|it|"
    r"them|pods?|service|of|to|be))+ "
)
GERUND_LEAD = re.compile(
    r"(?:mind|about|try|consider|suggest|propose|start|keep|recommend|be)(?: (?:please|just|by))* $"
)
LEAD = re.compile(
    rf"(?:(?:{POLITE}|{ASKING}|(?:do|would) you mind|any chance (?:you|we|i) (?:can|could)|"
    r"any chance of(?: a)?|if (?:you|we|i) (?:can|could|would|may)|if possible|when you can|"
    r"when you get a (?:chance|sec|second|minute|moment)|go and|try|try to|consider|mind|"
    r"how about|what about|i (?:would|want) (?:like )?(?:you )?to|i would like|i want|we want|"
    r"i need|we need|we have to|i have to|gotta|got to|need to|wish|be so kind (?:and|to|"
    r"as to)|"
    r"it is|time for|kubectl|helm(?= (?:restart|scale))|git|damn|bloody|ffs|omg|wait|no|oh|um|er|"
    r"hmm|next|finally|after that|afterwards|subsequently|additionally|plus|as well|too|again|"
    r"step \d|<num>(?= (?:\.|\)))|dear|mate|friend|folks|guys|all|plz|pls|k|yo|sup|"
    r"(?:this is|it is) (?:urgent|important|an emergency)|for me|for us|emergency|incident|"
    r"could it be possible to|would it be possible to|is it possible to|are you able to|"
    r"you (?:can|could|may|should|must)|it would be (?:great|nice|good|awesome|helpful|lovely|"
    r"cool)|(?:(?:i am|i was|we were|was) )?"
    r"(?:just )?wondering|i would be grateful|todo|to do|task|ticket|action|"
    r"i would appreciate it "
    r"if you (?:would|could)|"
    r"i authori[sz]e you to|request|requesting|want|wanna)(?: |$))*"
)
FRONTED = re.compile(
    r"(?P<preposition>(?:in|on|for|at|with|regarding|about|within|inside|re) )?(?:(?:the|our) )?"
    r"(?:<place>|<svc>)(?: (?:cluster|environment|env|region|service))?"
    r"(?: (?:and )?(?:in|on) (?:the )?<place>)? (?P<mark>[,:] |- |please |pls )?"
)
NEGATED = re.compile(
    r"(?:please )?(?:do|does|did|will|would|should|must|can|could|shall|may|need|let us|we|i|you)"
    r"(?: (?:do|should|must|will|would|can))? not\b|not\b|never\b|no (?:need|reason)\b|"
    r"(?:avoid|refrain|hold off|stop)(?: from)? (?=\w+ing\b)|no (?=restart|rollback|scaling|deploy|"
    r"sync|rotation|change)|without\b|leave\b|keep (?:your )?hands off\b|hands off\b"
)
CONDITION = re.compile(
    r"(?:^| )(?:if|unless|once|until|till|in case|whenever|as soon as|assuming|provided|when|"
    r"while|before|after|depending)(?!\w)"
)
BEGINS_CONDITION = re.compile(
    r"(?:if|unless|once|until|in case|whenever|as soon as|assuming|provided|when)(?!\w)"
    r"(?! (?:did|was|is|were|are|does|do|will|has|have|had)\b)"
)
INSTEAD = re.compile(r" (?:instead of|rather than) (?:the )?(?:<svc>|<place>|<num>)")
# Somebody who asks whether they may do it themselves.
MAY_I = re.compile(r"(?:\S+ ){0,2}?(?:can|may|could|might) i (?!get|have|ask|please|see)\S+")
ADJUSTED = re.compile(
    r"(?:lower|raise|reduce|increase|decrease|drop|cut|bring|take|shrink|grow|set|keep) (?:the "
    r")?<svc> "
    r"(?:(?:in|on) <place> )?(?:back )?(?:up |down )?(?:to|at) <num>(?! of)"
)
POLITE_CONDITION = re.compile(
    r"(?:^| )(?:if (?:you|we|i) (?:can|could|would|may|do not mind|have time|get a chance)|"
    r"if possible|when (?:you|u) (?:can|have|get)(?: \S+){0,3}|if (?:that is )?(?:ok|okay|fine)"
    r"(?: with you)?|whenever you can|as soon as (?:possible|you can)|before (?:it|this|that) "
    r"(?:gets|dies|breaks|explodes|falls)(?: \S+){0,3}|once (?:more|again)|while (?:you are|at it)"
    r"(?: \S+){0,2})"
)
LATER = re.compile(
    r"(?:^| )(?:tomorrow|tonight|later|next (?:week|month|monday|tuesday|wednesday|thursday|friday|"
    r"saturday|sunday|night|morning)|on (?:monday|tuesday|wednesday|thursday|friday|saturday|"
    r"sunday)|at (?:<num> (?:am|pm|utc|o'clock)|midnight|noon|night|\d\S*)|"
    r"every (?:<num> )?(?:minutes?|hours?|days?|nights?|weeks?|months?|other day)|hourly|daily|"
    r"weekly|nightly|"
    r"in <num> (?:minutes?|mins?|hours?|days?|seconds?|secs?)|in an? (?:\S+ )?(?:minute|hour|"
    r"moment|bit|while)|this (?:evening|afternoon|weekend)|off[- ]peak|"
    r"during (?:the )?\S+|monday|tuesday|wednesday|thursday|friday|saturday|sunday)(?!\w)"
)
