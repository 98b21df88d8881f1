"""The console on a bus: finds its station, shows it, lives through what the broker does."""

import sys
import time

from groundstation.bus.address import BrokerAddress
from groundstation.console import dialogs
from groundstation.console.bus_client import BusClient
from groundstation.console.picture import Picture
from groundstation.console.screen import LEFT, Console
from groundstation.console.stations import Stations
from protocols.errors import TelemetryError


class BusConsole(Console):
    """The console on a broker: finds its station, follows it, comes back when the broker does."""

    def __init__(self, url: str, root: str | None, *, owner: bool) -> None:
        self._stations = Stations()
        self._bus = BusClient(BrokerAddress.parse(url), self._take, self._on_broker)
        super().__init__(Picture(root or ""), self._bus.request, owner=owner)

    async def on_ready(self) -> None:
        """Connect; without a root, look for a station first."""
        await self._bus.listen(self.picture.root or None)
        self.run_worker(self._bus.run(), name="bus")
        if not self.picture.root:
            chooser = dialogs.StationScreen(str(self._bus.address), lambda: self._stations.known)
            self.push_screen(chooser, self._chosen)
            self.set_interval(0.2, self._look)

    def _take(self, topic: str, payload: bytes, retained: bool) -> None:
        at_ns = time.monotonic_ns()
        if self.picture.root:
            self.picture.bus = f"{self._bus.address}  topics {self.picture.root}/#"
            self.picture.take(topic, payload, at_ns=at_ns, retained=retained)
            self.picture.dropped = self._bus.dropped
        else:
            self._stations.take(topic, payload, at_ns)

    def _on_broker(self, problem: str) -> None:
        if bool(problem) != bool(self.picture.broker_problem):
            self.picture.broker_lost_ns = time.monotonic_ns()
        self.picture.broker_problem = problem

    def _look(self) -> None:
        only = None if self.picture.root else self._stations.only_one(time.monotonic_ns())
        if only and isinstance(self.screen, dialogs.StationScreen):
            self.screen.dismiss(only)

    async def _chosen(self, root: str | None) -> None:
        if not root:
            self.exit(LEFT)
            return
        self.picture = Picture(root)
        await self._bus.listen(root)


def run_console(url: str, root: str | None = None, *, owner: bool = False) -> str:
    """Run the console on a broker until the operator leaves: ``left``, or ``stop`` when an owner chose to stop the
    station.

    ``url`` is ``mqtt://host:port`` or ``mqtts://user@host:port``, its password in ``GROUNDSTATION_MQTT_PASSWORD``;
    without a ``root`` the only running station is opened, or the operator chooses. Raises BusError for an unusable
    url, TelemetryError where there is no terminal.
    """
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.__stderr__)):
        raise TelemetryError(
            "the console needs a terminal, and input, output or errors go elsewhere here: "
            f"open one with `groundstation console {url}` in a terminal, "
            "or read the bus with mosquitto_sub -t 'groundstation/#' -v"
        )
    return BusConsole(url, root, owner=owner).run() or LEFT
