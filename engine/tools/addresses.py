"""Which addresses a tool may be connected to, however they are written."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

# Never, whoever names them: what clouds tell machines about themselves, beyond link-local.
METADATA = frozenset(
    ip_address(text)
    for text in (
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
# `is_global` takes them for ordinary addresses, yet an IPv4 address is inside.
NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
COMPATIBLE = IPv6Network("::/96")
# Where the machines of an organisation are (RFC 1918, 4193, 6598).
INSIDE = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


def literal(host: str) -> Address | None:
    """The address that the text is in its one usual form; None for names and other spellings."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return address if str(address) == host else None


def allowed(address: Address, *, inside: bool = False, loopback: bool = False) -> bool:
    """Whether a connection to it may be made.

    Args:
        address: what a name was resolved to, or what was written.
        inside: the settings name this host, so it may be within the organisation.
        loopback: the settings name this machine itself.
    """
    hops = [address, *_wrapped(address)]
    if len(hops) > 1:
        return False  # nobody writes a host so, except to hide it
    if address in METADATA or address.is_link_local or address.is_multicast:
        return False
    if address.is_loopback:
        return loopback
    if any(address in network for network in INSIDE if network.version == address.version):
        return inside
    return address.is_global


def unwrapped(address: Address) -> Address:
    """The IPv4 address of an IPv4-mapped one: that is how some resolvers answer."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _wrapped(address: Address) -> list[Address]:
    """IPv4 addresses within an IPv6 address."""
    if isinstance(address, IPv4Address):
        return []
    found: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    found += list(address.teredo or ())
    if any(address in network for network in NAT64):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    if address in COMPATIBLE and not address.is_loopback and not address.is_unspecified:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]
