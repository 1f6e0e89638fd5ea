"""Where tools may be connected to, in every spelling; what the gate takes for a request."""

from ipaddress import ip_address

import pytest

from engine.tools.addresses import Address, allowed, literal
from engine.tools.egress import Destination, Refused, addresses_of, asked, destinations

NEVER = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fe80::1",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",  # noqa: S104 - it must be refused
    "::",
    "255.255.255.255",
    "240.0.0.1",
    "198.18.0.1",
    "::ffff:8.8.8.8",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "::7f00:1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]
INSIDE = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fc00::1", "fd12::1"]
PUBLIC = ["8.8.8.8", "93.184.215.14", "2606:4700::1111"]


@pytest.mark.parametrize("text", NEVER)
def test_no_setting_opens_addresses_of_machines_and_clouds(text: str) -> None:
    assert not allowed(ip_address(text), inside=True, loopback=True)


@pytest.mark.parametrize("text", INSIDE)
def test_addresses_inside_need_a_setting_that_names_the_host(text: str) -> None:
    assert not allowed(ip_address(text))
    assert allowed(ip_address(text), inside=True)


@pytest.mark.parametrize("text", ["127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine_needs_a_setting_that_names_it_as_such(text: str) -> None:
    assert not allowed(ip_address(text), inside=True)
    assert allowed(ip_address(text), inside=True, loopback=True)


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_reached(text: str) -> None:
    assert allowed(ip_address(text))


@pytest.mark.parametrize(
    "text", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.1.", "::0001", "①②⑦.0.0.1"]
)
def test_an_address_in_another_spelling_is_only_a_name(text: str) -> None:
    assert literal(text) is None


@pytest.mark.parametrize(
    ("hosts", "urls", "wanted"),
    [
        pytest.param(
            ["api.example:6443"],
            ["https://api.example:6443"],
            Destination("api.example", 6443, named=True),
            id="host and port of a connection",
        ),
        pytest.param(
            ["db.example"],
            ["postgresql://db.example/shop"],
            Destination("db.example", 5432, named=True),
            id="the usual port of its scheme",
        ),
        pytest.param(
            ["git.example"],
            ["", "ssh://git@git.example:2222/shop.git"],
            Destination("git.example", 2222, named=True),
            id="the port of a repository",
        ),
        pytest.param(
            ["sts.eu-west-1.amazonaws.com"],
            ["https://other.example"],
            Destination("sts.eu-west-1.amazonaws.com", 443),
            id="what no setting names",
        ),
        pytest.param(
            ["[::1]:80"], ["http://[::1]:80"], Destination("::1", 80, named=True), id="IPv6"
        ),
        pytest.param(
            ["OK.Example."], [], Destination("ok.example", 443), id="one spelling of a name"
        ),
    ],
)
def test_hosts_of_a_call_are_destinations(
    hosts: list[str], urls: list[str], wanted: Destination
) -> None:
    assert destinations(hosts, urls) == (wanted,)


@pytest.mark.parametrize("host", ["", "a.example:http", "a.example:99999", "[::1"])
def test_what_is_no_host_is_no_destination(host: str) -> None:
    assert destinations([host], []) == ()


async def test_one_bad_address_among_good_ones_refuses_the_name() -> None:
    async def both(host: str) -> list[Address]:
        return [ip_address("8.8.8.8"), ip_address("169.254.169.254")]

    with pytest.raises(Refused, match="not for tools"):
        await addresses_of(Destination("ok.example", 443, named=True), both)


async def test_a_named_host_that_points_to_this_machine_is_refused() -> None:
    async def here(host: str) -> list[Address]:
        return [ip_address("127.0.0.1")]

    with pytest.raises(Refused, match="not for tools"):
        await addresses_of(Destination("ok.example", 443, named=True), here)
    assert await addresses_of(Destination("localhost", 443, named=True), here)


async def test_a_name_that_is_not_known_is_refused() -> None:
    async def nobody(host: str) -> list[Address]:
        raise OSError("no such name")

    with pytest.raises(Refused, match="resolved"):
        await addresses_of(Destination("ok.example", 443), nobody)


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        ("CONNECT ok.example:443 HTTP/1.1", ("ok.example", 443)),
        ("CONNECT OK.example.:443 HTTP/1.0", ("ok.example", 443)),
        ("CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80", ("::1", 80)),
        ("CONNECT ok.example:443 HTTP/1.1\r\nhost: ok.example", ("ok.example", 443)),
    ],
)
def test_a_request_names_host_and_port(head: str, wanted: tuple[str, int]) -> None:
    assert asked(f"{head}\r\n\r\n".encode()) == wanted


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET http://ok.example/ HTTP/1.1", 405),
        ("connect ok.example:443 HTTP/1.1", 405),
        ("CONNECT ok.example HTTP/1.1", 400),
        ("CONNECT ok.example:0 HTTP/1.1", 400),
        ("CONNECT ok.example:0443 HTTP/1.1", 400),
        ("CONNECT ok.example:+443 HTTP/1.1", 400),
        ("CONNECT ok.example:65536 HTTP/1.1", 400),
        ("CONNECT ok.example:443 HTTP/2", 400),
        ("CONNECT ok.example:443  HTTP/1.1", 400),
        ("CONNECT ok.example:443 HTTP/1.1\r\nHost: evil.example", 400),
        ("CONNECT ok.example:443 HTTP/1.1\r\nHost: ok.example\r\nHost: evil.example", 400),
        ("CONNECT ok.example:443 HTTP/1.1\r\nHost : evil.example", 400),
        ("CONNECT ok.example:443 HTTP/1.1\r\n folded", 400),
        ("CONNECT ok.example:443 HTTP/1.1\r\nTransfer-Encoding: chunked", 400),
        ("CONNECT ök.example:443 HTTP/1.1", 400),
    ],
)
def test_everything_else_is_refused(head: str, status: int) -> None:
    with pytest.raises(Refused) as refused:
        asked(f"{head}\r\n\r\n".encode())

    assert refused.value.status == status
