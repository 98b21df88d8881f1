"""Recording formats: one file each, found by content or suffix. A file defines ``FORMAT``."""
