"""Addresses of brokers, and that no password is ever in anything a person reads."""

import logging
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundstation.bus.address import PASSWORD_VARIABLE, BrokerAddress
from protocols.errors import BusError

SECRET = "xyzzy-7-plugh"


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "username"),
    [
        ("mqtt://127.0.0.1", "127.0.0.1", 1883, False, None),
        ("mqtts://bus.example", "bus.example", 8883, True, None),
        ("mqtt://pad:1900", "pad", 1900, False, None),
        ("pad:1900", "pad", 1900, False, None),
        ("pad", "pad", 1883, False, None),
        ("mqtt://[::1]:1884", "::1", 1884, False, None),
        ("mqtts://ann@bus.example:65535", "bus.example", 65535, True, "ann"),
        ("mqtt://ann%40pad@bus.example", "bus.example", 1883, False, "ann@pad"),
    ],
)
def test_an_address_is_read(url: str, host: str, port: int, tls: bool, username: str | None) -> None:
    address = BrokerAddress.parse(url)
    assert (address.host, address.port, address.tls, address.username) == (host, port, tls, username)


@pytest.mark.parametrize("url", ["mqtt://127.0.0.1:1883", "mqtts://ann%40pad@bus.example:8883", "mqtt://[::1]:1884"])
def test_its_url_leads_back_to_it(url: str) -> None:
    assert BrokerAddress.parse(url).url == url
    assert "ann" not in str(BrokerAddress.parse(url))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mqtt://",
        "http://x",
        "mqtt://x:0",
        "mqtt://x:65536",
        "mqtt://x:port",
        "mqtt://[::1",
        "mqtt://a..b",
        "://",
        "mqtt://a b\n",
    ],
)
def test_what_is_no_address_is_said_with_what_to_do(url: str) -> None:
    with pytest.raises(BusError, match="want mqtt://host:port"):
        BrokerAddress.parse(url)


@given(st.text(max_size=60))
def test_no_text_brings_anything_but_an_address_or_a_bus_error(text: str) -> None:
    try:
        address = BrokerAddress.parse(text)
    except BusError:
        return
    assert address.host
    assert 0 < address.port < 65536


def test_the_password_comes_from_the_file_else_the_environment_and_only_for_a_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text("of the file\n")
    monkeypatch.setenv(PASSWORD_VARIABLE, "of the environment")
    assert BrokerAddress.parse("mqtt://ann@x").password == "of the environment"
    assert BrokerAddress.parse("mqtt://ann@x", str(file)).password == "of the file"
    assert BrokerAddress.parse("mqtt://x", str(file)).password is None


@pytest.mark.parametrize("content", [None, b"\xff\xfe\0"])
def test_a_password_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BusError, match=r"password cannot be read .*correct mqtt\.password_file"):
        BrokerAddress.parse("mqtt://ann@x", str(file))


def test_a_password_is_in_no_text_of_an_address(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, SECRET)
    address = BrokerAddress.parse("mqtts://ann@bus.example")
    assert address.password == SECRET
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("groundstation").info("%s %r %s", address, address, [address])
    assert SECRET not in f"{address} {address!r} {[address]} {address.url} {caplog.text}"


@pytest.mark.parametrize(
    "url",
    [
        f"mqtt://ann:{SECRET}@bus.example",
        f"mqtt://ann:{SECRET}@bus.example:port",
        f"mqtt://ann:{SECRET}@",
        f"http://ann:{SECRET}@bus.example",
        f"ann:{SECRET}@bus.example:99999",
        f"mqtt://ann:{SECRET}@[::1",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BusError) as refused:
        BrokerAddress.parse(url)
    said = "".join(traceback.format_exception(refused.value)) + repr(refused.value.args) + refused.value.broker
    assert SECRET not in said


async def test_a_client_is_given_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, SECRET)
    client = BrokerAddress.parse("mqtt://ann@127.0.0.1:1900").client(keepalive=10)
    assert client._client.username == "ann"
    assert SECRET not in repr(client)
