"""CCSDS space packets, time codes, and transfer frames that carry packets."""
