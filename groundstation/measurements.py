"""What is known of every measurement of some vehicles, by its full name, ``packet.path``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from protocols.batch import Field
from protocols.decoder import PacketDecoder, VehicleDecoder
from protocols.packet import Vehicle


class Measurements(Mapping[str, Field]):
    """Fields by full name. Of a vehicle whose packets are compiled on demand, a packet is when it is asked for."""

    def __init__(self, vehicles: Sequence[Vehicle]) -> None:
        """Packet names differ between the vehicles. Raises DeclarationError on what cannot be decoded."""
        self._decoders: dict[str, Mapping[str, PacketDecoder]] = {}
        self._limited: list[str] = []
        for each in vehicles:
            decoders = VehicleDecoder(each, "").decoders
            self._decoders |= dict.fromkeys(decoders, decoders)
            self._limited += [] if each.on_demand else decoders
        self._fields: dict[str, dict[str, Field]] = {}

    def limited(self) -> Iterator[str]:
        """The names of those that may have limits of their own: packets compiled on demand have none."""
        return (f"{packet}.{path}" for packet in self._limited for path in self.of(packet))

    def __getitem__(self, name: str) -> Field:
        packet, _, path = name.partition(".")
        return self.of(packet)[path]

    def __iter__(self) -> Iterator[str]:
        return (f"{packet}.{path}" for packet in self._decoders for path in self.of(packet))

    def __len__(self) -> int:
        return sum(len(self.of(packet)) for packet in self._decoders)

    def of(self, packet: str) -> dict[str, Field]:
        """Those of a packet, by path. Raises KeyError where there is none of that name."""
        found = self._fields.get(packet)
        if found is None:
            found = self._fields[packet] = self._decoders[packet][packet].fields
        return found
