"""The forms of the grammar, over words that stand for their kind: `roll back <svc> to <rev>`."""

import re

ANY = r"(?:\S+ ){0,4}?"
POLITE = (
    r"please|kindly|hey|hi|hello|ok|okay|so|well|now|then|and|also|just|actually|hmm|uh|right|yes|"
    r"yeah|yep|sure|thanks|great|good|alright|carapulse|bot|team|everyone|guys|quick|quickly|"
    r"immediately|asap|urgent|urgently|first|again|simply|rather|instead|better|maybe|perhaps|"
    r"go ahead|let us|lets|time to|try to|try and|@|:|,|sorry|actually"
)
ASKING = (
    r"(?:can|could|would|will|may|might) (?:you|we|i|somebody|someone)(?: please)?(?: help)?(?: "
    r"me)?"
    r"(?: get| have)?|would you mind|(?:i|we) (?:really )?(?:want|need|would like|have|ought)"
    r"(?: you)?(?: to)?|you (?:should|need to|have to|must)|i am asking you to|"
    r"do you mind|is it possible to|help me(?: to)?|help us(?: to)?|what about|how about|"
    r"it is time to|i suggest (?:to|you|we)|we (?:should|must)|i think we should"
)
PREAMBLE = re.compile(rf"(?:(?:{POLITE}|{ASKING})(?: |$))*")
NEGATED = re.compile(
    r"(?:do|does|did|will|would|should|must|can|could|shall|may|need) not\b|not\b|never\b|"
    r"no (?:need|reason|rollback|revert|rolling|restart|fix|change|plan)(?!\w)|stop\b|avoid\b|"
    r"hold off\b|(?:let us|we|i|you) (?:(?:do|should|must|will|would|can) )?not\b|without\b"
)
TOLD = re.compile(
    r"(?:\S+ ){0,3}(?:said|says|told|asked|wrote|suggested|thinks|reported|mentioned|wants|"
    r"tried)(?!\w)"
)
CONDITION = re.compile(
    r"(?:^| )(?:if|unless|once|until|in case|whenever|as soon as|assuming)(?!\w)"
)
INSTEAD_OF = re.compile(r"(?:instead of|rather than)(?: (?!<key>|<num>|,)\S+){1,6}")
REASON = re.compile(r" (?:because|since|as it|as they|so that|cause|otherwise)(?!\w).*$")

BACK = (
    rf"roll(?:ing)? (?:{ANY})back|rollback|roll-back|revert|undo|reverse|unroll|"
    rf"back (?:{ANY})out|switch (?:{ANY})back|take (?:{ANY})back|put (?:{ANY})back|go back|"
    rf"switch back|move back|"
    rf"get back|bring (?:{ANY})back|return|back to|backout|restore|reset"
)
NOUN_BACK = r"rollback|roll-back|revert|undo|reversal|rolling back|reverting"
DRAFT = (
    r"(?:do|make|draft|prepare|plan|start|trigger|propose|create|perform|run|want|need|give|have|"
    r"initiate|get|write|suggest|go for|go with|build)"
)
PREVIOUS = (
    r"(?:previous|last|prior|earlier|old|older|former|known|good|before|what|where|how|"
    r"yesterday|original|working|stable|state)"
)
TAKE = (
    r"(?:use|deploy|run|take|get|switch|move|point|bring|change|put|switch to|move to|go to|go "
    r"with|"
    r"pin|pin to|reset to|set|try|choose|"
    r"pick|apply|ship|restore|return to|back to|checkout|check out|put on|install|have)"
)
PUT = (
    r"(?:set|change|put|make|raise|lower|increase|decrease|reduce|bump|drop|cut|turn|adjust|update|"
    r"write|configure|use|try|go with|have|give|reset|fix|roll back|rollback|revert|restore|put "
    r"back|"
    r"modify|edit|correct|let|limit|cap|move|bring|take|switch|return|keep|want)"
)
ARTICLE = r"(?:(?:the|a|an|its|our|their|this|that|to|of|for|on|in|at|with|back|by|up|down) ){0,6}"
IS = (
    r"(?:=|:|->|to|at|as|is|be|should be|must be|to be|of|from|equal to|equals|becomes?|back to|"
    r"with)"
)
# A number needs nothing before it; a word must be told to be a value ("to high", "= high").
VALUE = rf"(?:(?:{IS} )+(?P<word>[a-z][a-z0-9-]*|<key>)|(?:{IS} )*(?P<number><num>|<quote>))"
FORWARD = re.compile(
    r"(?:a |the )?(?:forward fix|fix forward|roll(?:ing)? forward|fix-forward)(?!\w)"
)

ROLL_BACK = re.compile(rf"(?:{BACK})(?!\w)")
ROLL_BACK_NOUN = re.compile(
    rf"{DRAFT} (?:(?:a|an|the|me|us|for|quick|config) )*(?:{NOUN_BACK})(?!\w)"
)
NEEDS_BACK = re.compile(
    rf"(?:<svc>|it|this|that|<rev>|the \S+|commit <rev>)(?: \S+){{0,4}}? (?:needs?|wants?|should|"
    rf"must|"
    rf"has|have|requires?)(?: (?:a|to|be|have|get|please|immediate))*"
    rf" (?:{NOUN_BACK}|rolled back|reverted|undone|backed out|reverting|to go back)"
)
WANT_BACK = re.compile(
    r"(?:<svc>|<rev>|it|this|that|the \S+|commit <rev>)(?: \S+){0,3}? "
    r"(?:rolled back|reverted|undone|backed out|rollback|revert)(?!\w)"
)
TO_REVISION = re.compile(
    r"\b(?:to|at|on|back to|onto) (?:the )?(?:\S+ )?(?:(?:commit|revision|version|sha|rev) )?<rev>"
)
TAKE_REVISION = re.compile(
    rf"{TAKE} {ARTICLE}(?:<svc> )?{ARTICLE}(?:(?:old|good|previous|config|settings) )*"
    r"(?:(?:commit|revision|version|sha|rev|tag|hash) )?<rev>"
)
BARE_REVISION = re.compile(
    r"(?:(?:commit|revision|version|sha|rev) )?<rev>(?: (?:instead|please|then|is better))*$"
)
TAKE_PREVIOUS = re.compile(
    rf"{TAKE} {ARTICLE}(?:<svc> )?{ARTICLE}(?:(?:previous|last|old|older|prior|earlier|good|known|"
    r"working|stable) )+(?:version|revision|commit|config(?:uration)?|settings|state|release|one)"
    r"(?!\w)"
)
TO_PREVIOUS = re.compile(rf"\b(?:to|back to) (?:the |its |a |one )*{PREVIOUS}\b")

SET_KEY = re.compile(
    rf"{PUT} {ARTICLE}(?:<svc> )?{ARTICLE}(?:(?:value|setting|config|configuration|parameter) )?"
    rf"{ARTICLE}<key>(?: (?:of|for|on|in)(?: the)? <svc>)?(?: in <place>)?(?: back)?(?: from "
    rf"<num>)? "
    rf"{VALUE}"
)
# "set currency to EUR": a setting that no evidence has shown yet.
SET_WORD = re.compile(
    rf"(?:set|change) (?P<key>(?!(?:it|this|that|them|everything|things|the)\b)[a-z][a-z0-9]*)"
    rf"(?: (?:of|for|on|in) (?:the )?<svc>)? (?=(?:=|to|back to) ){VALUE}$"
)
SET_VALUE_FIRST = re.compile(
    rf"{PUT} (?P<number><num>|<quote>) (?:for|as|in|on) {ARTICLE}(?:<svc> )?<key>"
)
BARE_KEY = re.compile(
    rf"(?:with |to )?{ARTICLE}(?:<svc> )?<key> {VALUE}(?: please| instead| then)*$"
)
ASSIGN = re.compile(
    rf"(?:with |to )?{ARTICLE}(?:<svc> )?<key> (?=(?:=|:|->|should be|must be|to) ){VALUE}"
)
VALUE_OF_KEY = re.compile(r"(?P<number><num>) (?:for|as) (?:the )?<key>$")
ONLY_VALUE = re.compile(
    r"(?:(?:make|set|use|try|take|go with|put|change|raise|lower|bump|increase|decrease|reduce)"
    r"(?: (?:it|that|this|the value))?(?: (?:to|at|be|up to|down to))? )?"
    r"(?P<number><num>)(?: (?:instead|please|then|rather|is better|is enough))*$"
)
PAIR = re.compile(rf"(?P<key><key>)(?: from <num>)? (?:{IS} )*(?P<value><num>|<quote>)")
VALUE_ORDER = re.compile(
    r"(?:set|use|try|make|put|raise|lower|increase|decrease|reduce|bump)(?: (?:it|that|this))?"
    r"(?: (?:to|at))? (?P<number><num>)$"
)
ADJUST = re.compile(rf"(?:{PUT}|double|halve|triple|grow|shrink)(?!\w)")
ASSIGNMENTS = (SET_KEY, SET_VALUE_FIRST, ASSIGN)
# Only where a plan is talked about: elsewhere "25 instead" says nothing.
CORRECTIONS = (BARE_KEY, VALUE_OF_KEY, ONLY_VALUE)
SET_UNKNOWN = re.compile(
    rf"(?:set|change|raise|lower|increase|decrease|reduce|bump|adjust|update|configure) (?:the |"
    rf"its |our )*"
    rf"(?P<thing>(?:(?!to\b|of\b|for\b|in\b|on\b)\S+ ){{0,4}}?)(?:(?:of|for|on|in) (?:the "
    rf")?<svc> )?"
    rf"(?=(?:=|to|back to) ){VALUE}$"
)

CHANGED = (
    r"(?:changed|change|changes|new|different|deployed|released|pushed|merged|committed|happened)"
)
CHANGES = re.compile(
    rf"what (?:has |have |did |is |was |were |are |else |just )*{ANY}{CHANGED}\b|"
    rf"who (?:has |had |did |just |last )*(?:{CHANGED}|broke|touched|made|shipped|did)(?!\w)|"
    rf"when (?:was|did|were|has|is) {ANY}(?:{CHANGED}|last)(?!\w)|"
    rf"which (?:commits?|changes?|revisions?|versions?|deploys?)(?!\w)|"
    rf"(?:show|list|give|tell|get|see|print|display|fetch|find)(?: me| us)? {ANY}"
    rf"(?:commits?|changes?|diff|history|log|deploys?|changelog|revisions?)(?!\w)|"
    rf"(?:is|are|was|were|has|have|did)(?: there)? (?:any|some|anything|something|anyone|anybody|"
    rf"someone|somebody) {ANY}(?:{CHANGED}|commits?|deploys?|deployments?|releases?)(?!\w)|"
    rf"any (?:recent |new |other )*(?:commits?|changes?|deploys?|deployments?|releases?)(?!\w)|"
    rf"(?:the )?(?:last|latest|recent|newest) (?:config )?(?:commits?|changes?|deploys?|release|"
    rf"diff)(?!\w)|"
    rf"(?:did|has|have) {ANY}(?:changed?|deployed?|pushed?|released?)(?!\w)|"
    r"(?:git log|history of|changes (?:of|in|to|on|for)|what is running|what revision|what version|"
    r"changelog|diff\b|history\b)"
)
STATE = (
    r"(?:ok|okay|healthy|up|down|fine|alive|well|broken|degraded|ready|back|good|working|failing|"
    r"stable|recovered|normal|unhealthy|bad|dead|sick|happy|responding|affected|green|red|doing)"
)
HEALTH = re.compile(
    rf"(?:is|are|was) {ANY}{STATE}\b|"
    rf"(?:how|how is|how are|how does|how do)(?: is| are| does| do)? (?:the )?(?:<svc>|things|it|"
    rf"everything|we|error)(?!\w)|"
    r"(?:what is |show |show me |give me |get |tell me |check |report )*(?:the |current |overall )*"
    r"(?:state|status|health|condition|error rate|errors|error-rate)(?!\w)|"
    r"(?:does|do) (?:<svc>|it|everything|they) (?:work|look|respond|answer)(?!\w)|"
    r"check (?:on |whether |if |that |up on )*(?:the )?(?:<svc>|it|everything)(?!\w)|"
    rf"(?:<svc>|it|everything|things) (?:is |are )*(?:{STATE}|status|health|state|error rate)(?: "
    rf"(?:again|now|yet))*$|"
    r"how many (?:errors|instances|requests|failures)(?!\w)|how (?:bad|high|healthy)(?!\w)"
)
CAUSE = re.compile(
    r"why\b|what (?:is|are|was) (?:wrong|going|happening|broken|up with|the (?:cause|problem|"
    r"matter|"
    r"issue|reason)|causing|failing|breaking|killing)(?!\w)|what (?:broke|caused|causes|happened|"
    r"went wrong|"
    r"made|triggered|killed)(?!\w)|(?:should|shall|must|do|does|could|can) (?:we|i|you|it) "
    r"(?:really |need to |have to |want to |better )*(?:roll|rollback|revert|undo|back out|worry|"
    r"fix)(?!\w)|"
    r"any (?:idea|ideas|clue|clues|theory|guess|suspects?)(?!\w)|(?:the )?root cause\b|(?:diagnose|"
    r"investigate|"
    r"analy[sz]e|debug|triage|explain|examine|inspect)(?!\w)|look (?:into|at)(?!\w)|take a look\b|"
    r"what do you (?:think|see|know|make|suspect)(?!\w)|where (?:do|does|did|are|is) (?:the |"
    r"these |"
    r"those )*errors?\b|"
    r"find (?:out|the (?:cause|reason|problem))(?!\w)|what is it\b"
)
FIX = re.compile(
    r"(?:fix|mitigate|repair|heal|resolve|solve|handle|remedy|address|stabili[sz]e|recover|"
    r"rescue)(?!\w)|"
    r"(?:draft|make|prepare|propose|suggest|write|create|give|get|show|need|want)(?: me| us)? "
    r"(?:a |the |an |some |another )?(?:fix|plan|solution|remedy|proposal|mitigation|way "
    r"out)(?!\w)|"
    r"(?:do|try) something\b|help\b|what (?:can|could|should|do|shall|would) (?:we|you|i) (?:do|"
    r"try|propose)(?!\w)|"
    r"take care of\b|make (?:it|<svc>|this) (?:work|stop|healthy|better)(?!\w)|stop the "
    r"(?:bleeding|"
    r"errors)(?!\w)|"
    r"(?:bring|get) (?:<svc>|it) back (?:up|online|to life)(?!\w)|make the errors stop\b"
)
DECIDE = re.compile(
    r"(?:i )?(?:approved?|lgtm|ship it|run it|execute(?: it)?|do it|go|merge it|reject(?:ed)?|"
    r"cancel|"
    r"abort|withdraw|deny|start it|proceed|go for it)(?: (?:it|this|that|the plan|plan|version|"
    r"v\d+|please|"
    r"now|p-\d+))*$"
)
OTHER = re.compile(
    r"(?P<all>(?:restart|reboot|bounce|kill|delete|drop|scale|resize|drain|cordon|uncordon|fail "
    r"?over|failover|"
    r"upgrade|update|rotate|sync|resync|deploy|redeploy|provision|create|install|uninstall|purge|"
    r"flush|"
    r"clear|disable|enable|stop|start|shut ?down|shutdown|change|silence|mute|page|block|unblock|"
    r"allow|"
    r"migrate|truncate|patch|remove|add|move|exec|run|open|close|renew|revoke|grant|reset|wipe|"
    r"destroy|"
    r"terminate|evict|raise|lower|increase|decrease|set|tune|switch|redirect|route|pause|resume|"
    r"buy|send|"
    r"call|email|book|order|write|print|format|ssh|apply|use|bump|turn|make|pin|throttle|recreate|"
    r"downgrade|promote|demote|reindex|vacuum|backup|back up|dump|import|export|rename|rebuild|"
    r"repoint)"
    r"\b.*)"
)
CHATTER = re.compile(
    r"(?:thanks?|thank you|thx|ty|cheers|nice|cool|great|good|awesome|perfect|ok|okay|yes|no|yep|"
    r"nope|"
    r"sure|right|agreed|done|hmm|ah|oh|wow|ouch|lol|sorry|understood|got it|makes sense|same "
    r"here|fyi|"
    r"ack|acknowledged|noted|morning|bye)(?!\w).*"
)
REPLICAS = re.compile(
    r"\b(?:replicas?|instances?|pods?|nodes?|machines?|servers?|containers?)(?!\w)"
)
CHANGE_NOUN = re.compile(
    r"(?<!\S)(?:changes?|commits?|push|deploy(?:ment)?|config(?:uration)?|settings?|update|edit|"
    r"release|"
    r"revision|version|rollout|revert|rollback|<key>)(?!\w)"
)
DOUBT = re.compile(
    r" (?:(?:the|our|on|for|of|in) )*(?!(?:the|it|this|that|everything|all|now|please|to|in|on|for|"
    r"of|from|by|and|again|what|whatever|last|latest|these|those|things|immediately|asap|today|"
    r"right|quickly|first|then|instead|before|with|at|as|my|our|your|their|service|prod|bad|"
    r"broken|recent|newest|faulty|config|configuration|settings?|commits?|changes?|deploy|"
    r"deployment|release|revision|version|previous|prior|current|new|culprit|offending|update|"
    r"edit|rollout|push|back|any|most|very|breaking|wrong|whole|one|known|good|working|stable|old|"
    r"older|how|where|state|me|us|so|up|is|we|no|if|ok|i|go|via|"
    r"per)(?!\w))(?P<doubt>[a-z][\w-]+)(?<!ly)(?: |$)"
)
QUESTION_WORD = re.compile(
    r"(?:what|why|who|when|which|how|is|are|was|were|has|have|did|does|do|should|shall|any|"
    r"where)(?!\w)"
)
