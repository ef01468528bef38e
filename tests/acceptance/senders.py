"""Clients that POST all the time, and try again or give up when they are refused."""

import threading
from itertools import count

from tests.acceptance.server import NotAccepted, Server
from tests.waiting import wait_for

EVENTS_A_POST = 3
_PAUSE_SECONDS = 0.04


class Senders:
    """Each event has an id of its own; a POST that is refused is sent again, but every second one is given up."""

    def __init__(self, server: Server, function: str, clients: int = 2) -> None:
        self._server = server
        self._function = function
        self._stopping = threading.Event()
        self.posts: list[list[str]] = []
        """Of each POST, whatever became of it, the ids that its events were given by the client."""
        self.accepted: list[str] = []
        """Internal ids, as answered with 200."""
        self.refused = 0
        self._threads = [threading.Thread(target=self._send, args=(client,)) for client in range(clients)]
        for thread in self._threads:
            thread.start()

    def wait_accepted(self, more: int) -> None:
        """Until so many more events have been accepted."""
        goal = len(self.accepted) + more
        wait_for(lambda: len(self.accepted) >= goal, f"{more} more events are accepted")

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _send(self, client: int) -> None:
        for turn in count():
            ids = [f"{client}-{turn}-{number}" for number in range(EVENTS_A_POST)]
            self.posts.append(ids)
            while not self._stopping.wait(_PAUSE_SECONDS):
                try:
                    self.accepted += self._server.post(self._function, event_ids=ids)
                    break
                except NotAccepted:
                    self.refused += 1
                    if turn % 2:
                        break
            else:
                return
