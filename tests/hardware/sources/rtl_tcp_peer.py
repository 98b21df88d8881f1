"""A server that speaks rtl_tcp's protocol, written from its description alone: blocking sockets and a thread."""

import queue
import socket
import struct
import threading
from contextlib import suppress

R820T, GAINS = 5, 29


class RtlTcpPeer:
    """Greets whoever calls, one after the other, and keeps the commands it is given."""

    def __init__(self, greeting: bytes = b"RTL0" + struct.pack(">II", R820T, GAINS)) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.greeting = greeting
        self.listening: set[socket.socket] = set()
        """What is listened to for commands: the connections whose client has not hung up."""
        self.clients: queue.Queue[socket.socket] = queue.Queue()
        self.commands: queue.Queue[tuple[int, int]] = queue.Queue()
        self._answering = threading.Thread(target=self._answer, daemon=True)
        self._answering.start()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the accept of the thread, which a close alone does not
        self._answering.join()
        self.listener.close()
        while not self.clients.empty():
            self.clients.get().close()

    def latest(self) -> socket.socket:
        """Who called last; those who called before are let go."""
        client = self.clients.get(timeout=120)
        while not self.clients.empty():
            client.close()
            client = self.clients.get()
        return client

    def _answer(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            listening = client.dup()
            self.listening.add(listening)  # before the greeting, after which the client may hang up and count
            self.clients.put(client)
            with suppress(OSError):  # it has hung up
                client.sendall(self.greeting)
            threading.Thread(target=self._listen, args=[listening], daemon=True).start()

    def _listen(self, client: socket.socket) -> None:
        """Commands of five bytes, however they are cut."""
        with client.makefile("rb") as file, suppress(OSError):
            while len(command := file.read(5)) == 5:
                self.commands.put((command[0], int.from_bytes(command[1:], "big")))
        client.close()
        self.listening.remove(client)
