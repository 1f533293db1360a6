"""Ports of the loopback interface."""

from __future__ import annotations

import contextlib
import http.client
import random
import socket

from infra.settings import LOCAL_HOST

# Below the range of outgoing connections, any of which may hold such a port at the next start.
PORTS = range(20_000, 32_000)


def answers(port: int) -> bool:
    """Return whether an emulator serves on the port and is ready."""
    connection = http.client.HTTPConnection(LOCAL_HOST, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port(preferred: int) -> int:
    """Return `preferred` if it is free, else another port."""
    others = random.sample(PORTS, 100)
    for port in [preferred, *others] if preferred else others:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((LOCAL_HOST, port))
                return port
    raise OSError("No port is free on the loopback interface.")
