"""Bit framings, one file each: soft bits in, frames out. See :mod:`protocols.deframing.deframer`."""
