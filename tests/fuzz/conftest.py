"""The station's fixtures, here too."""

from tests.groundstation.conftest import mosquitto, sparrow, subscriber

__all__ = ["mosquitto", "sparrow", "subscriber"]
