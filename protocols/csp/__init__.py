"""CubeSat Space Protocol, version 1: its header, and the check sequence that its flag announces."""
