"""Modems, one file a modulation: samples of any number in, soft bits out. See :mod:`protocols.modem.demodulator`.

Of samples a source has and soft bits a framing wants: :mod:`protocols.modem.receiver` puts both together.
"""
