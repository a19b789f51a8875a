"""No test may use the network: an audit hook of the interpreter refuses all but this machine.

It sees what Python does; `unshare -rn` around the tests takes the network from their children too.
"""

import errno
import ipaddress
from typing import Any

_EVENTS = {  # of sockets, and where in their arguments the address is
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
}


def loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook (see `sys.addaudithook`).

    Raises:
        PermissionError: a socket shall reach another machine, or its name be looked up.
    """
    if event not in _EVENTS:
        return
    address = arguments[_EVENTS[event]]
    host = address[0] if isinstance(address, tuple) else address
    inside = event.startswith("socket.get") or isinstance(address, tuple)  # no socket in a file
    if inside and host and not _is_here(host):
        raise PermissionError(errno.EACCES, f"tests must not use the network, asked for {host!r}")


def _is_here(host: str | bytes) -> bool:
    """Whether a host is this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost"
    return address.is_loopback or address.is_unspecified
