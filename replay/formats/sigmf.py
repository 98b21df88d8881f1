"""SigMF recordings of one stream of samples, by the name of their metadata or of their samples."""

from typing import ClassVar

from replay.sample_recording import SampleRecording
from replay.sigmf_dataset import DATA, META, TITLE, recognise_sigmf


class SigmfRecording(SampleRecording):
    """A ``.sigmf-meta`` with the file of samples beside it."""

    suffixes: ClassVar[tuple[str, ...]] = (META, DATA, ".sigmf")
    title: ClassVar[str] = TITLE

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """Whether metadata begins; samples themselves are known by their name only."""
        return recognise_sigmf(head)


FORMAT = SigmfRecording
