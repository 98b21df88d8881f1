"""Framings: a byte stream in, frames out. One file each, found by its name.

A framing file defines ``FRAMER``, a subclass of :class:`protocols.framer.Framer`; the keyword arguments of its
constructor are the options a campaign may give: ``framing = { kind = "asm", frame_length = 1115 }``.
"""
