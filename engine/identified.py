"""The identity provider of the settings, and the services that stand on it."""

from datetime import timedelta
from time import monotonic
from urllib.parse import urlsplit

from engine.directory.oidc.fetching import Fetcher
from engine.directory.oidc.provider import Expected, Provider
from engine.directory.oidc.published import Published
from engine.domain.ids import Tenant
from engine.errors import ConfigurationError
from engine.ports import Clock, Directory, Store
from engine.ports.identity import Links
from engine.sections import OidcSettings
from engine.services.identities import Identities, Standing
from engine.services.sign_ins import SignIns
from engine.settings import Settings

PATH = "/v1/sign-in"


def identity_provider(settings: Settings, clock: Clock) -> Provider | None:
    """The one that is set, or none: then only service tokens are accepted.

    Raises:
        ConfigurationError: it could not tell whose tokens are meant for us.
    """
    oidc = settings.oidc
    if not (oidc.issuer or oidc.audience or oidc.client_id):
        return None
    checked(oidc, settings.http.public_url)
    leeway = timedelta(seconds=oidc.leeway_seconds)
    fetcher = Fetcher(frozenset(oidc.allowed_hosts))
    return Provider(
        Expected(
            oidc.issuer,
            oidc.audience,
            oidc.client_id,
            leeway,
            oidc.claims.subject,
            oidc.claims.email,
            oidc.claims.groups,
        ),
        Published(
            oidc.issuer,
            fetcher,
            algorithms=oidc.algorithms,
            ttl=oidc.cache_seconds,
            clock=monotonic,
        ),
        fetcher,
        clock,
        f"{settings.http.public_url.rstrip('/')}{PATH}/callback",
        oidc.client_secret.get_secret_value(),
        oidc.acr,
    )


def checked(oidc: OidcSettings, public_url: str) -> None:
    """Raises `ConfigurationError` for settings that would let the wrong tokens in."""
    issuer = urlsplit(oidc.issuer)
    plain = issuer.scheme == "http" and issuer.hostname in oidc.allowed_hosts
    wrong = {
        "oidc.issuer must be an https address, as tokens name it": not issuer.hostname
        or not (issuer.scheme == "https" or plain),
        "oidc.audience must say which tokens are made for this API": not oidc.audience,
        "oidc.audience and oidc.client_id must differ, or sign-ins would pass as API tokens": (
            oidc.audience == oidc.client_id
        ),
        "oidc.algorithms must name at least one": not oidc.algorithms,
        "http.public_url must say where people come back to after signing in": bool(oidc.client_id)
        and not public_url,
    }
    if found := [text for text, is_wrong in wrong.items() if is_wrong]:
        raise ConfigurationError(f"The identity provider can't be used: {'; '.join(found)}.")


def identifying(
    settings: Settings,
    provider: Provider | None,
    *,
    store: Store,
    directory: Directory,
    links: Links,
    clock: Clock,
) -> Identities | None:
    """Who calls, where there is a provider that says so."""
    if provider is None:
        return None
    standing = Standing(settings.oidc.groups, settings.oidc.scopes)
    tenant = Tenant(settings.tenant)
    return Identities(store, directory, links, provider, clock, tenant, standing)


def signing_in(
    settings: Settings, provider: Provider | None, *, store: Store, clock: Clock
) -> SignIns | None:
    """One-time links, where people can sign in again."""
    if provider is None or not settings.oidc.client_id:
        return None
    return SignIns(
        store,
        provider,
        clock,
        Tenant(settings.tenant),
        f"{settings.http.public_url.rstrip('/')}{PATH}",
        timedelta(seconds=settings.oidc.sign_in_seconds),
        timedelta(seconds=settings.oidc.leeway_seconds),
    )
