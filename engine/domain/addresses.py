"""Which addresses a name may lead to when we follow what somebody else wrote down."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

NAT64 = IPv6Network("64:ff9b::/96")
# What `ipaddress` calls global and still belongs to a machine's inside.
INSIDE = (ip_network("192.0.0.0/24"), ip_network("168.63.129.16/32"))


def reachable(text: str, *, private: bool) -> bool:
    """Whether this address may be connected to; `private` also lets in our own networks.

    Link-local addresses, where clouds answer for their metadata, are never let in.
    """
    try:
        address = unwrapped(ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if any(address in network for network in INSIDE if network.version == address.version):
        return False
    return private or address.is_global


def unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, where that is what it leads to."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
