"""Opens files of samples, of whatever kind: SigMF and WAV by what is in them, raw samples by name."""

from __future__ import annotations

import stat
from pathlib import Path

from protocols.errors import NotARecording
from replay.raw_samples import raw_file
from replay.recording import HEAD_BYTES
from replay.sample_file import SampleFile
from replay.sigmf_dataset import DATA, META, recognise_sigmf, sigmf_file
from replay.wav_file import SUFFIXES, recognise_wav, wav_file


def open_sample_file(path: Path | str, samples: str = "", rate: float = 0.0, frequency: float = 0.0) -> SampleFile:
    """The samples of a file. What is given holds instead of what the file tells; samples make it a raw one.

    Raises NotARecording, naming the file and what to do.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # a FIFO would be waited for, a device never ends
            raise NotARecording(path, "is no file; give a file of samples")
        if samples:
            return raw_file(path, samples, rate, frequency)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if recognise_wav(head) or path.suffix.lower() in SUFFIXES:
            return wav_file(path, rate, frequency)
        if recognise_sigmf(head) or path.suffix.lower() in (META, DATA, ".sigmf"):
            return sigmf_file(path, rate, frequency)
        return raw_file(path, samples, rate, frequency)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        text = getattr(error, "strerror", None) or error
        raise NotARecording(path, f"cannot be read ({text}); check the name and its permissions") from None
