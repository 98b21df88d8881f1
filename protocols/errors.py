"""The error family. What the link does is data (counted, masked); what a person did wrong is one of these.

* TelemetryError
  x DeclarationError     a vehicle file or a packet declaration cannot be used
  x CampaignError        a campaign file: names the dotted key, what was found and what is allowed
  x AddressError         a ``kind:address?option=value`` that cannot be used
  x SourceError
    + SourceUnavailable  it could not be opened: absent, in use, refused
    + SourceLost         it was open and went away
  x RecordingError
    + NotARecording      the file cannot be read as any format known here
      - UnknownFormat    it does not tell what it is: somebody has to say
    + RecordingTruncated the file ends, or is damaged, before what was asked for
    + RecordingFailed    a recording could not be written: disk full, no permission
  x BusError             a broker that refuses, or is not there

Every message names the file, the key or the port, and ends with what to do.
"""

from pathlib import Path


class TelemetryError(Exception):
    """The root: catching it catches everything this project raises on purpose."""


class DeclarationError(TelemetryError):
    """A vehicle or packet declaration that cannot be used; raised when the vehicle is loaded.

    Scenarios: a field of no fixed place where one is needed, two packets with one key, a red limit inside a yellow one.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        """The declaration, as ``vehicle.packet.field``."""


class CampaignError(TelemetryError):
    """A campaign file that cannot be used: ``path: key: found ..., allowed ...``."""

    def __init__(self, path: Path | str, key: str, problem: str) -> None:
        super().__init__(f"{path}: {key}: {problem}" if key else f"{path}: {problem}")
        self.key = key
        """The dotted key, ``links.umbilical.source``; empty when the file as a whole is meant."""


class AddressError(TelemetryError):
    """A source address that cannot be used.

    Scenarios: an unknown kind, an unknown option, an option of the wrong type.
    """

    def __init__(self, address: str, problem: str) -> None:
        super().__init__(f"{address!r}: {problem}")
        self.address = address
        """The address as it was given."""


class SourceError(TelemetryError):
    """Something is wrong with where bytes come from."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source = source
        """The source's address."""


class SourceUnavailable(SourceError):
    """It could not be opened. Scenarios: device absent, port in use, connection refused, no permission."""


class SourceLost(SourceError):
    """It was open and went away. Scenarios: cable pulled, peer closed, interface down."""


class RecordingError(TelemetryError):
    """Something is wrong with a file of recorded telemetry."""

    def __init__(self, path: Path | str, problem: str, offset: int | None = None) -> None:
        at = "" if offset is None else f" at byte {offset:,}"
        super().__init__(f"{path}{at}: {problem}")
        self.path = path
        """The file."""
        self.offset = offset
        """Where in it, in bytes from its start; None when the whole file is meant."""


class NotARecording(RecordingError):
    """The file is of no format known here, or is empty."""


class UnknownFormat(NotARecording):
    """Neither what is in a file nor its name tells what it is. Somebody who knows may say."""


class RecordingTruncated(RecordingError):
    """The file ends or is damaged before what was asked for."""


class RecordingFailed(RecordingError):
    """The recording cannot be written. Scenarios: disk full, no permission, folder missing."""


class BusError(TelemetryError):
    """A broker that refuses or is not there."""

    def __init__(self, broker: str, problem: str) -> None:
        super().__init__(f"broker {broker}: {problem}" if broker else problem)
        self.broker = broker
        """The broker's address, without its password."""
