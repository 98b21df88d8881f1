"""The console's views: one file each, found by its being here (see ``groundstation/console/panel.py``)."""
