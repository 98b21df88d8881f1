"""IRIG 106 Chapter 10 and 11: recorder data packets, their time, their messages, and TMATS (Chapter 9). Pure parsing.

References are to IRIG Standard 106-22, Chapter 11 unless another chapter is named.
"""
