"""The running station: pipeline, limits, flight events, bus and console."""
