"""GFSK: FSK through a Gaussian filter, as the radio chips of small satellites send it."""

from protocols.modem.gmsk import Gmsk


class Gfsk(Gmsk):
    """Gaussian frequency shift keying: GMSK where no other deviation is given."""


MODEM = Gfsk
