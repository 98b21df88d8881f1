"""Raw samples whose name tells all: format, rate, and where it can frequency and date."""

from typing import ClassVar

from replay.raw_samples import SUFFIXES, TITLE
from replay.sample_recording import SampleRecording


class RawSamples(SampleRecording):
    """Nothing but samples. Where the name does not tell what they are, ``iq_file:`` with options reads them."""

    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    title: ClassVar[str] = TITLE

    @classmethod
    def recognise(cls, head: bytes) -> bool:  # noqa: ARG003
        """Never: any bytes may be samples."""
        return False


FORMAT = RawSamples
