"""WAV files of a receiver's audio, or of I and Q in two channels."""

from typing import ClassVar

from replay.sample_recording import SampleRecording
from replay.wav_file import SUFFIXES, TITLE, recognise_wav


class WavRecording(SampleRecording):
    """A WAV file, RF64 and BW64 too."""

    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    title: ClassVar[str] = TITLE

    @classmethod
    def recognise(cls, head: bytes) -> bool:
        """RIFF, RF64 or BW64, and WAVE."""
        return recognise_wav(head)


FORMAT = WavRecording
