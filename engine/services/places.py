"""What is said about a place, held against the service graph."""

from engine.domain.context import ContextRef
from engine.ports import Services


def contradictions(given: ContextRef, services: Services) -> dict[str, str]:
    """What is unknown or does not fit, by field of the request; nothing where there is no graph."""
    if not services.names():
        return {}
    if not given.service:
        return _of_places(given, _places(services, services.names()), "no service runs")
    service = services.resolve(given.service)
    if service is None:
        return {"context.service": f"there is no service {given.service}"}
    wrong = _of_places(given, _places(services, [service]), f"{service} does not run")
    namespace = str(services.entry(service).get("namespace") or "")
    if given.namespace and namespace and given.namespace != namespace:
        wrong["context.namespace"] = f"{service} is in the namespace {namespace}"
    return wrong


def completed(given: ContextRef, services: Services) -> ContextRef:
    """With the environment, where the cluster leaves one only."""
    if given.environment or not given.cluster:
        return given
    service = services.resolve(given.service) if given.service else None
    found = _having(given.cluster, _places(services, [service] if service else services.names()))
    return given.model_copy(update={"environment": found.pop()}) if len(found) == 1 else given


def _having(cluster: str, places: set[tuple[str, str]]) -> set[str]:
    return {environment for environment, name in places if name == cluster}


def _places(services: Services, names: list[str]) -> set[tuple[str, str]]:
    """(environment, cluster) of all places where these run; empty where nothing says it."""
    found = set()
    for name in names:
        places = services.entry(name).get("places")
        for place in places if isinstance(places, list) else []:
            environment, _, cluster = str(place).partition("/")
            found.add((environment, cluster))
    return found


def _of_places(given: ContextRef, places: set[tuple[str, str]], who: str) -> dict[str, str]:
    if not places:
        return {}
    environments = sorted({environment for environment, _ in places})
    if given.environment and given.environment not in environments:
        known = ", ".join(environments)
        return {"context.environment": f"{who} in {given.environment}; there is {known}"}
    here = {place for place in places if given.environment in ("", place[0])}
    clusters = sorted({cluster for _, cluster in here if cluster})
    if given.cluster and given.cluster not in clusters:
        known = ", ".join(clusters) or "none"
        return {"context.cluster": f"is not one of {known}"}
    if given.cluster and not given.environment and len(_having(given.cluster, here)) > 1:
        return {"context.environment": "is needed beside the cluster"}
    return {}
