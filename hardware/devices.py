"""Stable names for serial ports: a USB identity instead of a number given in the order of plugging in.

``usb:VID:PID``, ``usb:VID:PID:SERIAL`` or ``sn:SERIAL``, with VID and PID in hexadecimal as ``lsusb`` prints them. A
path of ``/dev/serial/by-id`` is stable too, and needs nothing of this.
"""

from collections.abc import Iterable

from serial.tools.list_ports_common import ListPortInfo

Identity = tuple[int | None, int | None, str | None]
"""USB vendor, product and serial number; None where any will do."""

_FORMS = "want /dev/NAME, usb:VID:PID, usb:VID:PID:SERIAL (VID and PID in hexadecimal) or sn:SERIAL"


def identity(target: str) -> Identity:
    """What a name asks for. Raises ValueError for what is no such name.

    A serial number may hold colons: those of an ESP32-S3 are its MAC address.
    """
    kind, _, rest = target.partition(":")
    try:
        if kind == "usb" and rest:
            vendor, product, *number = rest.split(":", 2)
            return int(vendor, 16), int(product, 16), number[0] if number else None
        if kind == "sn" and rest:
            return None, None, rest
    except ValueError:
        pass
    raise ValueError(f"{target!r} names no serial port; {_FORMS}")


def found(name: str, ports: Iterable[ListPortInfo]) -> str:
    """The path of the one port with this name now. Raises LookupError, saying what to do, if none or several fit."""
    wanted, known = identity(name), list(ports)
    fit = [each for each in known if _matches(each, wanted)]
    if not fit:
        raise LookupError(f"no such device; {choice(known)}")
    if len(fit) > 1:
        several = ", ".join(map(_described, fit))
        raise LookupError(f"{len(fit)} ports fit: {several}; add the serial number, or a path of /dev/serial/by-id")
    return str(fit[0].device)


def _matches(port: ListPortInfo, wanted: Identity) -> bool:
    """Whether a listed port has the wanted identity."""
    return all(want in (None, has) for want, has in zip(wanted, (port.vid, port.pid, port.serial_number), strict=True))


def _described(port: ListPortInfo) -> str:
    """A port in a message: /dev/ttyUSB0 (usb:0403:6001:A50285BI, FT232R USB UART)."""
    if port.vid is None:
        return str(port.device)
    number = f":{port.serial_number}" if port.serial_number else ""
    return f"{port.device} (usb:{port.vid:04x}:{port.pid:04x}{number}, {port.description})"


def choice(ports: Iterable[ListPortInfo]) -> str:
    """What can be named instead."""
    known = ", ".join(map(_described, sorted(ports)))
    return f"plug it in, or name a port that is here: {known}" if known else "plug it in (no serial port is here now)"
