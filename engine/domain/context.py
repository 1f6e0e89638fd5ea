"""Where something is: the scope that every record carries."""

from engine.domain.ids import Tenant
from engine.domain.model import Model


class ContextRef(Model):
    """Empty fields are unknown. `environment` and `service` are required before a write."""

    tenant: Tenant = Tenant("default")
    environment: str = ""
    cluster: str = ""
    namespace: str = ""
    region: str = ""
    service: str = ""

    def __str__(self) -> str:
        return " / ".join(filter(None, (self.environment, self.cluster, self.namespace)))
