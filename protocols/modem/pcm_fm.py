"""PCM/FM of IRIG 106, chapter 2: NRZ-L, its deviation and its premodulation filter."""

from typing import ClassVar

from protocols.modem.frequency_modulation import PCM_FM_DEVIATION, PCM_FM_FILTER
from protocols.modem.fsk import Fsk


class PcmFm(Fsk):
    """PCM/FM, at a deviation of 0.35 of the bit rate unless another is given."""

    INDEX: ClassVar[float | None] = 2 * PCM_FM_DEVIATION
    BT: ClassVar[float | None] = PCM_FM_FILTER


MODEM = PcmFm
