"""Recordings: written raw, read in every format known here, played back by a clock."""
