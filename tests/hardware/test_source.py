"""The grammar of addresses: what is refused, how, and that the page about it leaves no option out."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.source import Source, options, source, sources
from protocols.errors import AddressError

DOCS = Path(__file__).parents[2] / "docs" / "sources.md"


@pytest.mark.parametrize("kind", sources())
def test_every_option_is_documented(kind: str) -> None:
    page = DOCS.read_text().partition(f"## `{kind}:")[2].partition("\n## ")[0]
    for name in options(kind):
        assert f"| `{name}` |" in page, f"docs/sources.md does not explain {kind}'s option {name}"


@pytest.mark.parametrize("kind", sources())
def test_options_are_checked_and_the_address_is_named(kind: str) -> None:
    target = {"serial": "/dev/ttyUSB0"}.get(kind, "5000")
    for query, said in (
        ("colour=red", "no option 'colour'; want one of "),
        *((f"{name}=%00", "must be") for name, default in options(kind).items() if not isinstance(default, str)),
        *((f"{name}={default}&{name}={default}", "twice") for name, default in options(kind).items()),
    ):
        address = f"{kind}:{target}?{query}"
        with pytest.raises(AddressError) as caught:
            source(address, "link")
        assert str(caught.value).startswith(repr(address))
        assert said in str(caught.value)


@pytest.mark.parametrize("address", ["", "serial", "carrier-pigeon:coop", ":5000", "_x:1", "..:1", "serial:", "tcp:"])
def test_addresses_that_name_nothing(address: str) -> None:
    with pytest.raises(AddressError, match="want "):
        source(address, "link")


@given(text=st.text(max_size=60))
def test_any_text_is_a_source_or_an_address_error(text: str) -> None:
    for kind in ("", *(f"{name}:" for name in sources())):
        with suppress(AddressError):
            assert isinstance(source(kind + text, "link"), Source)


def test_values_are_of_the_type_of_their_option() -> None:
    made = source("serial:/dev/ttyUSB0?baud=250000&stopbits=1.5&rtscts=Yes&parity=e", "umbilical")
    assert {name: getattr(made, name) for name in ("baud", "stopbits", "rtscts", "parity", "exclusive")} == {
        "baud": 250000,
        "stopbits": 1.5,
        "rtscts": True,
        "parity": "E",
        "exclusive": True,
    }
    assert (made.link, made.target, made.address) == ("umbilical", "/dev/ttyUSB0", "serial:/dev/ttyUSB0")


def test_a_clock_is_no_option() -> None:
    assert all(not {"clock", "listing", "link", "target"} & set(options(kind)) for kind in sources())
    with pytest.raises(AddressError, match="no option 'clock'"):
        source("udp:5000?clock=1", "video")
