"""AltOS, the flight computers of Altus Metrum: what their logs and their radio packets have in common."""
