"""Which commands print nothing but secrets, whatever their definitions say."""

from collections.abc import Mapping
from typing import Any

from engine.tools.redaction.redactor import Shape

# Names stay in what these print, every value goes.
ALL_SECRET = frozenset(
    """
    vault.kv_get vault.read vault.unwrap vault.login vault.token_create vault.operator_init
    vault.operator_rekey vault.operator_generate_root vault.lease_renew vault.transit_export
    aws.secretsmanager_get_secret_value aws.secretsmanager_batch_get_secret_value
    aws.secretsmanager_get_random_password aws.ssm_get_parameter aws.ssm_get_parameters
    aws.ssm_get_parameters_by_path aws.sts_assume_role aws.sts_get_session_token
    aws.sts_get_federation_token aws.iam_create_access_key aws.ecr_get_authorization_token
    aws.codeartifact_get_authorization_token aws.kms_decrypt aws.kms_generate_data_key
    aws.configure_export_credentials aws.eks_get_token kubectl.get_secret kubectl.get_secrets
    kubectl.config_view terraform.output terraform.state_pull helm.get_values helm.get_all
    boundary.targets_authorize_session boundary.authenticate argocd.account_generate_token
    argocd.admin_initial_password env. env.env env.printenv
    gcloud.auth_application_default_print az.keyvault_secret_show az.account_get_access_token
    """.split()  # noqa: SIM905 (a column of quoted names reads worse)
)
# Of these the whole text is the secret: there are no names beside it.
BARE = frozenset(
    """
    vault.print_token aws.ecr_get_login_password kubectl.create_token
    gcloud.auth_print_access_token gcloud.auth_print_identity_token
    gcloud.secrets_versions_access
    """.split()  # noqa: SIM905 (a column of quoted names reads worse)
)
SECRET_KINDS = frozenset(("secret", "secrets"))
ORDER: tuple[Shape, ...] = ("text", "values", "withheld")


def shape_of(tool: str, action: str, values: Mapping[str, Any]) -> Shape:
    """How the output of a command is treated at least."""
    name = f"{tool}.{action}".lower().replace("-", "_").replace(" ", "_")
    if name in BARE or (tool == "vault" and values.get("field")):
        return "withheld"
    kind = str(values.get("kind", "")).lower().partition("/")[0]
    if name in ALL_SECRET or (tool == "kubectl" and kind in SECRET_KINDS):
        return "values"
    return "text"


def strictest(*shapes: Shape) -> Shape:
    """The one that shows least."""
    return max(shapes, key=ORDER.index)
