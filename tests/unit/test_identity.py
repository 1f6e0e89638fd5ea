"""Settings of an identity provider, keys and tokens as pure functions, and addresses."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.directory.file import FileDirectory
from engine.directory.oidc.keys import usable
from engine.directory.oidc.provider import at, listed
from engine.directory.oidc.tokens import Header, strict
from engine.domain.addresses import reachable
from engine.domain.identity import mapped
from engine.domain.ids import PersonId, Tenant
from engine.errors import ConfigurationError, Unidentified
from engine.ground import now
from engine.identified import identity_provider
from engine.services.identities import Standing
from engine.settings import Settings

GOOD = {
    "CARAPULSE_OIDC__ISSUER": "https://id.example/realms/acme",
    "CARAPULSE_OIDC__AUDIENCE": "carapulse-api",
    "CARAPULSE_OIDC__CLIENT_ID": "carapulse",
    "CARAPULSE_HTTP__PUBLIC_URL": "https://carapulse.example/",
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
JWK = st.fixed_dictionaries(
    {"kid": st.text(min_size=1, max_size=5), "kty": st.sampled_from(["RSA", "EC", "OKP", "oct"])},
    optional={
        name: st.text(max_size=8) | st.integers() | st.none() | st.sampled_from(["P-256", "AQAB"])
        for name in ("n", "e", "x", "y", "crv", "alg", "use", "key_ops")
    },
)


def test_without_an_issuer_there_is_no_provider() -> None:
    assert identity_provider(Settings.load({}), now) is None


def test_people_come_back_to_the_public_address() -> None:
    provider = identity_provider(Settings.load(GOOD), now)

    assert provider
    assert provider.redirect_uri == "https://carapulse.example/v1/sign-in/callback"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"CARAPULSE_OIDC__ISSUER": ""}, "oidc.issuer"),
        ({"CARAPULSE_OIDC__ISSUER": "http://id.example"}, "oidc.issuer"),
        ({"CARAPULSE_OIDC__ISSUER": "id.example"}, "oidc.issuer"),
        ({"CARAPULSE_OIDC__AUDIENCE": ""}, "oidc.audience"),
        ({"CARAPULSE_OIDC__AUDIENCE": "carapulse"}, "must differ"),
        ({"CARAPULSE_OIDC__ALGORITHMS": "[]"}, "oidc.algorithms"),
        ({"CARAPULSE_HTTP__PUBLIC_URL": ""}, "http.public_url"),
    ],
)
def test_settings_that_would_let_the_wrong_tokens_in_stop_the_start(
    changed: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        identity_provider(Settings.load(GOOD | changed), now)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS1"])
def test_only_asymmetric_algorithms_can_be_set(algorithm: str) -> None:
    with pytest.raises(ConfigurationError, match=r"oidc\.algorithms"):
        Settings.load(GOOD | {"CARAPULSE_OIDC__ALGORITHMS": f'["{algorithm}"]'})


@pytest.mark.parametrize(
    ("address", "public", "inside"),
    [
        ("93.184.216.34", True, True),
        ("2606:2800:220:1:248:1893:25c8:1946", True, True),
        ("127.0.0.1", False, True),
        ("10.1.2.3", False, True),
        ("100.64.0.1", False, True),
        ("::1", False, True),
        ("fd00::1", False, True),
        ("::ffff:10.0.0.1", False, True),
        ("2002:7f00:1::", False, True),
        ("64:ff9b::7f00:1", False, True),
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("fe80::1%eth0", False, False),
        ("192.0.0.192", False, False),
        ("168.63.129.16", False, False),
        ("224.0.0.1", False, False),
        ("0.0.0.0", False, False),  # noqa: S104 - an address to refuse
        ("nonsense", False, False),
    ],
)
def test_where_a_name_may_lead(address: str, public: bool, inside: bool) -> None:
    assert reachable(address, private=False) is public
    assert reachable(address, private=True) is inside


@given(st.lists(JWK | ANYTHING, max_size=5) | ANYTHING)
@settings(max_examples=300, deadline=None)
def test_no_key_set_breaks_the_reader(keys: Any) -> None:
    assert isinstance(usable({"keys": keys}, ["RS256", "ES256", "EdDSA"]), dict)
    assert usable(keys, ["RS256"]) == {}


@given(st.text(max_size=200) | st.from_regex(r"\A[A-Za-z0-9_-]{1,40}(\.[A-Za-z0-9_-]{1,40}){2}\Z"))
@settings(max_examples=300, deadline=None)
def test_no_token_breaks_the_reader(token: str) -> None:
    try:
        header = Header(token)
    except Unidentified:
        return
    assert header.algorithm
    assert header.key_id


@pytest.mark.parametrize(
    "body", [b'{"a":1,"a":2}', b"[]", b"NaN", b'{"a":NaN}', b'{"a":-Infinity}', b"\xff", b""]
)
def test_what_two_readers_could_read_differently_is_refused(body: bytes) -> None:
    with pytest.raises(Unidentified):
        strict(body, "content")


def test_a_claim_is_found_by_its_name_or_by_a_path() -> None:
    given = {"https://acme.example/groups": ["a"], "realm_access": {"roles": ["b"]}, "n": 1}

    assert at(given, "https://acme.example/groups") == ["a"]
    assert listed(at(given, "realm_access.roles")) == ("b",)
    assert at(given, "n.deeper") is None
    assert listed(at(given, "n")) == ()


def test_only_groups_that_the_settings_name_mean_something() -> None:
    assert mapped(("sre", "idp-sre", "idp-sre"), {"idp-sre": "sre"}) == ("sre",)


def test_scopes_add_up_over_groups() -> None:
    standing = Standing({}, {"*": ("plan.read",), "security": ("audit.read",)})

    assert standing.allowed(()) == {"plan.read"}
    assert standing.allowed(("security", "sre")) == {"plan.read", "audit.read"}


def test_the_file_binds_a_subject_to_one_person(tmp_path: Any) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(
        "people:\n"
        "  - {id: ann, name: Ann, oidc: [{subject: one}]}\n"
        "  - {id: bo, name: Bo, oidc: [{subject: two, issuer: https://id.example}]}\n"
    )
    directory = FileDirectory(file, tenant=Tenant("default"))

    assert directory.linked("https://id.example", "one") == PersonId("ann")
    assert directory.linked("https://id.example", "two") == PersonId("bo")
    assert directory.linked("https://other.example", "two") is None
    file.write_text(
        file.read_text().replace("subject: two, issuer: https://id.example", "subject: one")
    )
    with pytest.raises(ConfigurationError, match="the subject one belongs to two people"):
        FileDirectory(file, tenant=Tenant("default"))
