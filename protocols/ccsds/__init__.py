"""CCSDS space packets and time codes."""
