"""From a playbook and what was found to a proposal."""

from dataclasses import dataclass
from difflib import get_close_matches

from engine.domain.call import Expectation
from engine.domain.draft import Briefing, Outcome, OutcomeKind
from engine.domain.model import Json
from engine.domain.outline import Action
from engine.domain.placeholders import Missing, fill, fill_text, known
from engine.domain.plan import DraftStep, Origin, Proposal
from engine.errors import DraftFailed
from engine.llm import sentences
from engine.llm.aims import Refused
from engine.llm.findings import Findings
from engine.llm.grammar import Intent
from engine.llm.history import Change
from engine.llm.playbooks import Playbook
from engine.llm.repository import typed
from engine.llm.requests import Wanted
from engine.llm.scopes import CHOICES, Unclear

Roots = dict[str, dict[str, Json]]
UNDERSTOOD = {
    Intent.ROLL_BACK: "roll back {service} in {place}",
    Intent.RESTORE: "put {service} in {place} back to {revision}",
    Intent.SET_VALUE: "set {key} of {service} in {place} to {value}",
    Intent.FIX: "find a fix for {service} in {place}",
}


@dataclass(frozen=True, slots=True)
class Drafting:
    """One request with everything needed to fill a playbook."""

    briefing: Briefing
    wanted: Wanted
    playbook: Playbook
    found: Findings
    entry: dict[str, Json]


def propose(case: Drafting, tools: frozenset[str]) -> Outcome:
    """Fill the playbook.

    Raises:
        Refused: the request can't become a plan.
        Unclear: a setting or a value must be asked for.
        DraftFailed: something that it needs could not be looked at.
    """
    _check(case)
    values = request_values(case.wanted, case.found, case.entry)
    values["found"]["reason"] = _reason(case)
    steps = tuple(_step(action, case, values, tools) for action in case.playbook.steps)
    if _same_as_current(case, steps):
        current = case.briefing.current
        assert current is not None
        return Outcome(kind=OutcomeKind.ANSWER, text=f"v{current.version} does that already.")
    proposal = Proposal(
        title=_sentence(case.playbook.plan_title, case, values)[:200],
        why=_why(case, values),
        context=case.wanted.context,
        steps=steps,
        planner="offline",
        used=(case.playbook.title,),
        understood=understood(case, values),
    )
    return Outcome(kind=OutcomeKind.PLAN, proposal=proposal)


def request_values(wanted: Wanted, found: Findings, entry: dict[str, Json]) -> Roots:
    """All that placeholders may name."""
    context, asked = wanted.context, wanted.asked
    place = "/".join(filter(None, (context.environment, context.cluster)))
    revision = _full(asked.revision, found)
    change = _change(wanted, found)
    return {
        "service": entry,
        "context": {**context.model_dump(mode="json"), "place": place},
        "evidence": found.facts(),
        "request": {
            "revision": revision,
            "short": revision[:7],
            "key": asked.key,
            "value": typed(asked.value),
        },
        "change": {
            "commit": change.commit,
            "short": change.short,
            "name": change.name,
            "author": change.author,
        }
        if change
        else {},
        "found": {"cause": sentences.cause(found), "rate": sentences.rate(found)},
    }


def _check(case: Drafting) -> None:
    """Everything that a plan needs and that words, files or evidence did not give."""
    values = request_values(case.wanted, case.found, case.entry)
    missing = [path for path in case.playbook.needs if not known(path, values)]
    for path in missing:
        if path.startswith("service."):
            raise Refused(
                f"I can't change {case.wanted.service}: its entry in the services file has no "
                f"`{path.removeprefix('service.')}`."
            )
    if case.wanted.intent is Intent.SET_VALUE:
        check_setting(case)
    if case.wanted.intent is Intent.ROLL_BACK and not case.wanted.asked.revision:
        _check_own(case)
    for path in missing:
        raise DraftFailed(_unread(case, path))
    if case.wanted.intent in (Intent.RESTORE, Intent.ROLL_BACK):
        if case.wanted.asked.revision:
            _check_revision(case)
        else:
            _check_change(case)


def _check_own(case: Drafting) -> None:
    """What Carapulse took back stays taken back: a rollback of it must be asked for by name."""
    found, last = case.found, case.found.last_change
    if last is None or any(one.commit == last.commit for one in found.effective):
        return
    if found.suspect and found.healthy is False:
        return
    choices = [f"revert {one.short}" for one in found.effective[:CHOICES]]
    raise Unclear(
        f"The last change of {case.wanted.service} is {sentences.who(last)}: it is an undoing "
        "already. Which change shall I undo?",
        choices,
    )


def _check_change(case: Drafting) -> None:
    """The last change must be the one that was described: by its author, or its words."""
    last, asked = case.found.suspect, case.wanted.asked
    if last is None:
        return
    about = f"{last.author} {last.subject} {' '.join(case.found.values)}".casefold()
    said = [word for word in (asked.whose, *asked.subject.split()) if word]
    if all(word in about.replace("_", " ") for word in said):
        return
    raise Unclear(
        f"The last change of {case.wanted.service} is {sentences.who(last)}. Is it the one?",
        [f"revert {last.short}"],
    )


def check_setting(case: Drafting) -> None:
    """A setting needs its name and its value. Raises `Unclear`."""
    asked, service = case.wanted.asked, case.wanted.service
    if asked.several:
        raise Unclear("One setting at a time. Which first?", asked.several)
    near = get_close_matches(asked.key, list(case.found.values), n=1, cutoff=0.8)
    if near and asked.key not in case.found.values:
        text = f"I know no setting {asked.key}. Do you mean {near[0]}?"
        raise Unclear(text, [f"set {near[0]} to {asked.value}"] if asked.value else [])
    if asked.key and asked.value:
        return
    if asked.value:
        choices = [f"set {key} to {asked.value}" for key in case.found.values]
        vague = asked.thing.casefold() in ("", "it", "this", "that")
        what = "" if vague else f"I know no setting {asked.thing}. "
        raise Unclear(f"{what}Which setting of {service}?", choices)
    olds = [f"set {key} to {old}" for key, (old, _) in case.found.values.items() if old]
    if asked.key:
        olds = [choice for choice in olds if choice.startswith(f"set {asked.key} ")]
        raise Unclear(f"To what shall I set {asked.key}?", olds)
    raise Unclear(f"Which setting of {service}, and to what?", olds)


def _check_revision(case: Drafting) -> None:
    asked, found, service = case.wanted.asked.revision, case.found, case.wanted.service
    fitting = [one for one in found.revisions if one.startswith(asked)]
    last = found.last_change
    if len(fitting) > 1:
        raise Unclear(f"{asked} fits several commits. Which one?", [one[:12] for one in fitting])
    if not fitting:
        known = [one[:7] for one in found.revisions[:CHOICES]]
        raise Refused(
            f"{_repository(case)} has no commit {asked} in its last {len(found.revisions)} changes."
            f" The latest: {', '.join(known)}."
        )
    runs = {found.head, found.running, last.commit if last else ""}
    if case.wanted.intent is Intent.RESTORE and fitting[0] in runs:
        raise Refused(f"{service} runs {fitting[0][:7]} already. I did not draft anything.")


def _repository(case: Drafting) -> str:
    """Where the settings are kept, by the name that the services file gives it."""
    gitops = case.entry.get("gitops")
    named = gitops.get("repository") if isinstance(gitops, dict) else None
    return str(named or f"The history of {case.wanted.service}'s settings")


def _full(revision: str, found: Findings) -> str:
    return next((one for one in found.revisions if one.startswith(revision)), revision)


def _change(wanted: Wanted, found: Findings) -> Change | None:
    """The commit in question: the one that was named, the last one, or the one suspected."""
    named = wanted.asked.revision
    if wanted.intent is Intent.CHANGES:
        return found.last_change
    if wanted.intent is not Intent.ROLL_BACK or not named:
        return found.suspect
    full = _full(named, found)
    known = (one for one in found.history if one.commit == full)
    return next(known, None) or Change(full)


def _step(action: Action, case: Drafting, values: Roots, tools: frozenset[str]) -> DraftStep:
    missing = ""
    for one in action.alternatives():
        if one.tool not in tools:
            missing = missing or f"{one.tool} is not connected"
            continue
        if unknown := [path for path in one.when if not known(path, values)]:
            missing = _unread(case, unknown[0])
            continue
        try:
            return filled(one, values)
        except Missing as error:
            missing = _unread(case, error.path)
    raise DraftFailed(missing or f"The playbook *{case.playbook.title}* has a step without a way.")


def filled(action: Action, values: Roots) -> DraftStep:
    """One step of a playbook. Raises `Missing`."""
    expect = action.expect and Expectation.model_validate(
        fill(action.expect.model_dump(mode="json"), values)
    )
    given = fill(dict(action.input), values)
    assert isinstance(given, dict)
    return DraftStep(
        tool=action.tool,
        action=action.action,
        input=given,
        title=fill_text(action.title, values),
        why=fill_text(action.why, values),
        expect=expect or None,
        group=action.group,
    )


def _unread(case: Drafting, path: str) -> str:
    """Why something is not known: a reading that failed says it best."""
    failed = case.found.failed
    told = f" ({failed[0].title}: {failed[0].summary[:200]})" if failed else ""
    what = (
        "the history of its settings"
        if path.startswith(("changes", "change", "evidence.changes"))
        else path
    )
    return f"I can't draft this for {case.wanted.service}: I could not read {what}{told}."


def _sentence(template: str, case: Drafting, values: Roots) -> str:
    try:
        return fill_text(template, values)
    except Missing as error:
        raise DraftFailed(_unread(case, error.path)) from error


def _why(case: Drafting, values: Roots) -> str:
    """The reason is worth less than the plan: what is not known is left out."""
    try:
        return fill_text(case.playbook.why, values)
    except Missing:
        return _reason(case)


def _reason(case: Drafting) -> str:
    """What is wrong, where something is; else that somebody asked, and that all is well."""
    if case.found.healthy is False or case.wanted.intent is Intent.FIX:
        return sentences.cause(case.found)
    asked = f"{case.briefing.draft.requester_name} asked for it"
    backwards = case.wanted.intent in (Intent.ROLL_BACK, Intent.RESTORE)
    if backwards and case.found.healthy:
        return f"{asked}, but {sentences.healthy(case.wanted.service, case.found)}"
    return f"{asked}."


def understood(case: Drafting, values: Roots) -> str:
    """The request in our words."""
    form = UNDERSTOOD.get(case.wanted.intent)
    if form is None or case.briefing.draft.origin is Origin.ALERT:
        return f"Playbook *{case.playbook.title}* for {case.wanted.service}."
    request, context = values["request"], values["context"]
    told = form.format(
        service=case.wanted.service,
        place=context["place"],
        revision=request["short"],
        key=request["key"],
        value=request["value"],
    )
    return f"I understood: {told}."


def _same_as_current(case: Drafting, steps: tuple[DraftStep, ...]) -> bool:
    current = case.briefing.current
    if current is None or len(current.steps) != len(steps):
        return False
    return all(
        (step.tool, step.action) == (old.call.tool, old.call.action)
        and all(
            _plain(old.call.input.get(name)) == _plain(value) for name, value in step.input.items()
        )
        for step, old in zip(steps, current.steps, strict=True)
    )


def _plain(value: Json) -> str:
    """A frozen input is text: 20 and "20" are one value."""
    return str(value).casefold()
