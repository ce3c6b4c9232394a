"""What every command is given."""

from whisperctl.client import Client
from whisperctl.terminal import Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.follow import Link
    from whisperctl.shapes import Json, Params


class Context:
    """Where to print, and connections to the daemon, which end with the command."""

    def __init__(self, socket: str, output: Output) -> None:
        self.socket = socket
        self.output = output
        self._open: list[Client | Link] = []

    def connect(self) -> Client:
        """A connection that ends when the daemon does. Raises `NoDaemonError`."""
        client = Client(self.socket)
        self._open.append(client)
        return client

    def link(self) -> "Link":
        """A connection that outlives the daemon once it was made. Raises `NoDaemonError`."""
        from whisperctl.follow import Link

        link = Link(self.socket, self.output.note)
        self._open.append(link)
        return link

    def call(self, method: str, params: "Params | None" = None) -> "Json":
        """One request on a connection of its own."""
        return self.connect().call(method, params)

    def close(self) -> None:
        for connection in self._open:
            connection.close()
