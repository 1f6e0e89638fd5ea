"""Looks at the identity provider, where there is one."""

from bot.cli.doctor_finding import Finding, fail, ok, warn
from engine.directory.file import read_listing
from engine.errors import ConfigurationError, Unavailable
from engine.ground import now
from engine.identified import identity_provider
from engine.settings import Settings

AREA = "identity"


async def identity(settings: Settings) -> list[Finding]:
    """It answers, publishes keys that can be used, and people are linked with it."""
    provider = identity_provider(settings, now)
    if provider is None:
        return []
    try:
        document = await provider.published.document()
    except Unavailable as error:
        mend = (
            "See whether CARAPULSE_OIDC__ISSUER is the address as tokens name it; where it is in "
            "your own network, name its host in CARAPULSE_OIDC__ALLOWED_HOSTS."
        )
        return [fail(AREA, str(error), mend)]
    finally:
        await provider.close()
    return [ok(AREA, f"{provider.issuer} publishes {len(document.keys)} keys"), *linked(settings)]


def linked(settings: Settings) -> list[Finding]:
    """How many people the directory's file binds to accounts there."""
    file = settings.directory.file
    try:
        people = read_listing(file).people if file else ()
    except ConfigurationError:  # what is wrong with the file is told where the file is looked at
        return []
    bound = [one for one in people if one.oidc]
    able = [one for one in people if one.oidc or one.email]
    if len(able) < len(people):
        mend = "Give each of them `oidc: [{subject: ...}]`, or an e-mail for `/carapulse link`."
        found = f"{len(people) - len(able)} of {len(people)} people can't be linked with an account"
        return [warn(AREA, found, mend)]
    return [ok(AREA, f"the directory links {len(bound)} of {len(people)} people")]
