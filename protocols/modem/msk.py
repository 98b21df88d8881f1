"""MSK: FSK whose deviation is a quarter of the symbol rate, the least at which both tones are orthogonal."""

from typing import ClassVar

from protocols.modem.fsk import Fsk


class Msk(Fsk):
    """Minimum shift keying, of bits as they are: no precoding."""

    INDEX: ClassVar[float | None] = 0.5


MODEM = Msk
