"""`carapulse plan draft`: what the planner without a model makes of a sentence; nothing is kept."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigurationError, Invalid

if TYPE_CHECKING:
    from engine.context.services import ServiceFile
    from engine.domain.context import ContextRef
    from engine.domain.plan import DraftStep, Step
    from engine.llm.operations import Sketch

LONGEST = 4000


def draft(
    text: str,
    *,
    services: Path | None = None,
    playbooks: Path | None = None,
    tools: Path | None = None,
    environment: str = "",
    service: str = "",
    json: bool = False,
) -> None:
    """Say what becomes of a request, without a model, a database or a network.

    Args:
        text: the request, as one would write it in a thread.
        services: the services file; the configured one otherwise.
        playbooks: a folder of playbooks; the configured one otherwise, if there is one.
        tools: a folder of tool definitions of your own; the configured one otherwise.
        environment: what is spoken about unless the text says else.
        service: the same for the service.
        json: one JSON object, for programs.
    """
    import orjson

    from engine.domain.context import ContextRef

    if not text.strip():
        raise ConfigurationError(
            'Say what you want: carapulse plan draft "restart web in staging".'
        )
    if len(text) > LONGEST:
        raise ConfigurationError(f"That is longer than {LONGEST} characters.")
    about = ContextRef(environment=environment, service=service)
    known = loaded(services)
    own = folders(playbooks, tools)
    answer = Drafter(known, *own).draft(text, about)
    if json:
        print(orjson.dumps(answer).decode())  # noqa: T201 - the command's answer
        return
    print("\n".join(told(answer)))  # noqa: T201 - the command's answer


def loaded(path: Path | None) -> "ServiceFile":
    """The services file that was named, or that is configured."""
    from engine.context.services import loaded_services
    from engine.settings import Settings

    if path is None:
        path = Settings.load().context.services_file
        if path is None:
            raise ConfigurationError(
                "There is no services file: give --services FILE, or set "
                "CARAPULSE_CONTEXT__SERVICES_FILE."
            )
    if not path.is_file():
        raise ConfigurationError(f"There is no services file {path}.")
    return loaded_services(path)


def folders(playbooks: Path | None, tools: Path | None) -> tuple[Path | None, Path | None]:
    """The two folders that were named, or that are configured. Raises `ConfigurationError`."""
    from engine.settings import Settings

    if playbooks is None or tools is None:
        settings = Settings.load()
        playbooks = playbooks or settings.context.playbooks_folder
        tools = tools or settings.tools.folder
    for path in (playbooks, tools):
        if path is not None and not path.is_dir():
            raise ConfigurationError(f"There is no folder {path}.")
    return playbooks, tools


class Drafter:
    """Drafts over one services file, with every tool there is as if it were connected.

    A playbook of the folder that takes a request is preferred, as in a thread; what it looks at
    is then read by the first steps.
    """

    def __init__(
        self, services: "ServiceFile", playbooks: Path | None = None, tools: Path | None = None
    ) -> None:
        from engine.llm.operations import Operations
        from engine.llm.playbooks import load_playbooks
        from engine.llm.rehearsal import Rehearsal
        from engine.tools.registry import ToolRegistry

        complete, remotes = assumed(services)
        known = load_playbooks(playbooks) if playbooks else ()
        self._missing = services.without_remote()
        self._registry = ToolRegistry.unconnected(tools, remotes=remotes)
        actions = frozenset(str(one["name"]) for one in self._registry.catalogue())
        connected = actions | {name.partition(".")[0] for name in actions}
        self._operations = Operations(complete, actions, known)
        self._rehearsal = Rehearsal(complete, known, connected) if known else None

    def draft(self, text: str, base: "ContextRef") -> dict[str, Any]:
        """The answer as data. Every step of a plan has been frozen as a real draft's would be."""
        sketch = self._rehearsal.sketch(text, base) if self._rehearsal else None
        sketch = sketch or self._operations.read(text, base)
        steps, wrong = _frozen(sketch, self._registry)
        if wrong and sketch.kind == "plan":
            return _answer(sketch, "refuse", [], wrong)
        shown = [] if sketch.kind == "ask" else steps
        answer = _answer(sketch, sketch.kind.value, shown, sketch.reason)
        writes = {step["context"]["service"] for step in shown if step["tool"] == "git"}
        missing = [f"gitops.remote of {name}" for name in self._missing if name in writes]
        used = {"playbook": sketch.playbook} if sketch.playbook else {}
        return answer | used | ({"missing": missing} if missing else {})


def assumed(services: "ServiceFile") -> tuple["ServiceFile", list[str]]:
    """The services with an address for every repository: a draft is made before there is one."""
    from engine.context.services import ServiceFile

    complete = services.with_remotes("ssh://git@git.invalid")
    assert isinstance(complete, ServiceFile)
    return complete, complete.remotes()


def _frozen(sketch: "Sketch", registry: Any) -> tuple[list[dict[str, Any]], str]:
    steps: list[dict[str, Any]] = []
    wrong = ""
    for number, step in enumerate(sketch.steps, start=1):
        try:
            frozen = registry.freeze(step, sketch.context, number=number, mark=f"draft.1.{number}")
        except Invalid as error:
            wrong = wrong or str(error)
        else:
            steps.append(_shown(step, frozen, sketch))
    return steps, wrong


def _shown(step: "DraftStep", frozen: "Step", sketch: "Sketch") -> dict[str, Any]:
    place = step.context or sketch.context
    shown: dict[str, Any] = {
        "number": frozen.number,
        "tool": step.tool,
        "action": step.action,
        "input": step.input,
        "context": _place(place),
        "effect": frozen.effect.value,
        "title": frozen.title,
    }
    if frozen.call.commands:
        shown["commands"] = [list(argv) for argv in frozen.call.commands]
    if frozen.rollback:
        undo = frozen.rollback
        shown["rollback"] = {"tool": undo.tool, "action": undo.action, "input": undo.input}
    if step.expect:
        shown["expectation"] = step.expect.model_dump(mode="json")
    return shown


def _place(context: "ContextRef") -> dict[str, str]:
    return {
        name: str(getattr(context, name))
        for name in ("environment", "cluster", "namespace", "service")
    }


def _answer(
    sketch: "Sketch", kind: str, steps: list[dict[str, Any]], reason: str
) -> dict[str, Any]:
    return {
        "kind": kind,
        "understood": sketch.understood,
        "steps": steps,
        "context": _place(sketch.context),
        "reason": reason,
        "choices": list(sketch.choices),
    }


def told(answer: dict[str, Any]) -> list[str]:
    """The answer as lines, in the order of a card."""
    place = " / ".join(filter(None, answer["context"].values()))
    lines = [f"{answer['kind']}: {answer['understood']}"]
    lines += [place] if place else []
    lines += [f"  {step['number']} {step['title']}" for step in answer["steps"]]
    lines += [answer["reason"]] if answer["reason"] else []
    lines += [f"Playbook: {answer['playbook']}."] if answer.get("playbook") else []
    lines += [f"Not in the services file yet: {name}." for name in answer.get("missing", ())]
    return lines + [f"  [{choice}]" for choice in answer["choices"]]
