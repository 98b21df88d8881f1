"""GMSK: MSK through a Gaussian filter, of bits as they are: without the precoding of CCSDS 401.0-B 2.4.17B."""

from typing import ClassVar

from protocols.modem.msk import Msk


class Gmsk(Msk):
    """Gaussian minimum shift keying."""

    BT: ClassVar[float | None] = 0.5


MODEM = Gmsk
