"""Who decides on policy in a local start: Rego in our own process, or an `opa` on the PATH."""

import importlib.util
import shutil

from bot.local.children import Child, Children
from bot.local.folder import Folder
from bot.local.ports import LOOPBACK, answers_http, free_port
from engine.errors import ConfigurationError
from engine.resources import shipped


async def start_policy(children: Children, folder: Folder) -> str | None:
    """Return the address of a policy server, or None where the policy runs in process.

    Raises:
        ConfigurationError: this platform has neither; nothing could ever be approved.
    """
    if importlib.util.find_spec("regopy"):
        return None
    program = shutil.which("opa")
    if program is None:
        raise ConfigurationError(
            "No policy engine: regopy has no wheel for this platform and there is no `opa` on the "
            "PATH. Install OPA 1.0 or newer, or set CARAPULSE_POLICY__OPA_URL to a running one."
        )
    port = free_port()

    async def ready() -> bool:
        return await answers_http(port, "/health")

    argv = (program, "run", "--server", "--addr", f"{LOOPBACK}:{port}", str(shipped("policies")))
    await children.start(Child("opa", argv, cwd=folder.part("opa"), ready=ready))
    return f"http://{LOOPBACK}:{port}"
