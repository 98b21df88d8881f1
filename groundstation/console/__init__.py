"""The console: a terminal screen on a running station or a replay, and a client of the bus and of nothing else."""
