"""MAVLink: its message set, its frames on the wire, and packets of it.

``messages.json`` is made from the XML definitions of mavlink/mavlink by ``docs/mavlink_messages.py``; their licence is
``LICENSE.mavlink``.
"""
