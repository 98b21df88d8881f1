"""The edge: where bytes come from, and a simulated vehicle to receive."""
