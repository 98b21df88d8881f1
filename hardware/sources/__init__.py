"""Sources: one file a kind, found by its name. A file defines ``SOURCE``, a subclass of hardware.source.Source."""
