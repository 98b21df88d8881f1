"""Widgets of our own on Textual's line API: each draws whole lines from a snapshot, and only those that changed."""
