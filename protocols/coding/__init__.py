"""Codes: what finds and mends errors."""
