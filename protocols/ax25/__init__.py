"""AX.25, version 2.2 (TAPR, 1998): the header of frames as amateur satellites send them."""
