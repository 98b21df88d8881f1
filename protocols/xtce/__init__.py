"""XTCE, the exchange format of telemetry definitions (CCSDS 660.0-B-2, OMG XTCE 1.2): read as vehicles, and written."""
