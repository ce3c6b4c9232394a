"""What every command is given."""

from whisperctl.client import Client
from whisperctl.terminal import Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Json, Params


class Context:
    """The socket's path and where to print."""

    def __init__(self, socket: str, output: Output) -> None:
        self.socket = socket
        self.output = output

    def call(self, method: str, params: "Params | None" = None) -> "Json":
        """One request on a connection of its own."""
        client = Client(self.socket)
        try:
            return client.call(method, params)
        finally:
            client.close()
