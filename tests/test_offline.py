"""The network is refused, this machine is not."""

from __future__ import annotations

import socket
import urllib.request

import pytest
from botocore.session import Session

from tests.offline import NetworkUsed, is_local


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        (b"localhost", True),
        ("", True),
        (None, True),
        ("10.0.0.1", False),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("example.com", False),
        ("localhost.example.com", False),
    ],
)
def test_hosts_of_this_machine(host: str | bytes | None, local: bool) -> None:
    assert is_local(host) == local


def test_connections_to_elsewhere_are_refused() -> None:
    with socket.socket() as sock:
        with pytest.raises(NetworkUsed, match=r"192\.0\.2\.1"):
            sock.connect(("192.0.2.1", 80))
        with pytest.raises(NetworkUsed):
            sock.connect_ex(("192.0.2.1", 80))
    with pytest.raises(NetworkUsed):
        socket.create_connection(("example.com", 80), timeout=1)


def test_no_client_takes_it_for_a_failure_of_its_own() -> None:
    with pytest.raises(NetworkUsed):
        urllib.request.urlopen("http://example.com")
    session = Session()
    session.set_credentials("x", "x")
    client = session.create_client("sqs", region_name="us-east-1", endpoint_url="http://192.0.2.1")
    with pytest.raises(NetworkUsed):
        client.list_queues()


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as made:
        made.sendall(b"x")
        accepted, _ = server.accept()
        with accepted:
            assert accepted.recv(1) == b"x"
