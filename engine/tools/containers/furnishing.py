"""What a container is given for one call: files, and a way to each host that the call names."""

from collections.abc import Mapping, Sequence

from engine.domain.model import Json
from engine.tools.addresses import literal
from engine.tools.boxes import Needs
from engine.tools.containers.confinement import GATE, INSIDE, INSIDE_HOME, INSIDE_LOGIN
from engine.tools.egress import Destination

PROXY_PORT = 3128


def wanted(needs: Needs, ways: list[Json]) -> Json:
    """What the first process is told."""
    files: list[Json] = [[f"{INSIDE}/{name}", text, 0o600] for name, text in needs.files.items()]
    if needs.login:
        text = needs.login.read_text(encoding="utf-8")
        files.append([f"{INSIDE_LOGIN}/{needs.login.name}", text, 0o400])
    folders: list[Json] = [[INSIDE, 0o700], [INSIDE_HOME, 0o500], [INSIDE_LOGIN, 0o500]]
    return {"folders": folders, "files": files, "ways": ways, "gate": GATE}


def ways_of(destinations: Sequence[Destination]) -> tuple[list[Json], str]:
    """Where each destination is found inside: a loopback address for each host, and its name.

    What is written as an address of elsewhere can't be led so: for that the gate itself listens.
    """
    addresses: dict[str, str] = {"localhost": "127.0.0.1"}
    ways: list[Json] = [["127.0.0.1", PROXY_PORT, ""]] if _elsewhere(destinations) else []
    for one in destinations:
        written = literal(one.host)
        if written is None and one.host not in addresses:
            addresses[one.host] = f"127.77.0.{len(addresses)}"
        if written is None or written.is_loopback:
            ways.append([addresses.get(one.host, one.host), one.port, f"{one.host}:{one.port}"])
    return ways, "".join(f"{address}\t{name}\n" for name, address in addresses.items())


def _elsewhere(destinations: Sequence[Destination]) -> bool:
    """Whether a destination is an address that is not of this machine."""
    written = [literal(one.host) for one in destinations]
    return any(one is not None and not one.is_loopback for one in written)


def proxied(destinations: Sequence[Destination], variables: Mapping[str, str]) -> Mapping[str, str]:
    """The variables, with the gate as proxy where a destination is an address."""
    if not _elsewhere(destinations):
        return variables
    proxy = f"http://127.0.0.1:{PROXY_PORT}"
    return {**variables, "HTTPS_PROXY": proxy, "https_proxy": proxy}
