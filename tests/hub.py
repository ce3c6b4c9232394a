"""A stand-in for the Hugging Face hub on a local port: the endpoints that a download uses, and their troubles.

Owns: repositories in memory, served as the hub serves them (model information with digests, files by revision, byte
ranges), a record of the requests, and what is to go wrong. Point `HF_ENDPOINT` at `url`.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

LARGE = 100_000
"""Bytes from which a file is stored as the hub stores large ones, with a SHA-256."""

PIECE = 64 * 1024


@dataclass
class Repository:
    files: dict[str, bytes]
    revision: str = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Trouble:
    """What goes wrong: files that arrive damaged, a status for everything, and a point in a file's sending that waits.

    `hold_after`: bytes of a large file after which sending waits until `go_on` is set.
    """

    damaged: set[str] = field(default_factory=set)
    status: int | None = None
    hold_after: int | None = None
    held: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


class Hub:
    def __init__(self, url: str) -> None:
        self.url = url
        self.repositories: dict[str, Repository] = {}
        self.trouble = Trouble()
        self.requests: list[tuple[str, str, str | None]] = []
        """Method, path and the range that was asked for."""

    def add(self, name: str, folder: Path) -> Repository:
        """Publish a folder's files."""
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        self.repositories[name] = Repository({"README.md": b"hello", **files})
        return self.repositories[name]

    def ranges(self, file: str) -> list[str | None]:
        """The ranges that were asked for of a file, in order; None for all of it."""
        return [wanted for method, path, wanted in self.requests if method == "GET" and path.endswith(f"/{file}")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the base class's)
        """Requests are kept in `hub.requests`; printed too, they would be noise among the tests' own output."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = urlsplit(self.path).path
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        parts = path.strip("/").split("/")
        status = self.hub.trouble.status
        if status is not None:
            return self._send(status, b"{}", body)
        if parts[:2] == ["api", "models"]:
            repository = self.hub.repositories.get("/".join(parts[2:4]))
            if repository is None:
                return self._send(401, b"{}", body, {"X-Error-Code": "RepoNotFound"})
            return self._send(200, json.dumps(_information("/".join(parts[2:4]), repository)).encode(), body)
        repository = self.hub.repositories.get("/".join(parts[:2]))
        if repository is None or parts[2:4] != ["resolve", repository.revision] or parts[4] not in repository.files:
            return self._send(404, b"{}", body, {"X-Error-Code": "EntryNotFound"})
        return self._send_file(parts[4], repository.files[parts[4]], body)

    def _send(self, status: int, content: bytes, body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def _send_file(self, name: str, content: bytes, body: bool) -> None:
        start = 0
        if wanted := self.headers.get("Range"):
            start = int(wanted.removeprefix("bytes=").split("-")[0])
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if not body:
            return
        trouble = self.hub.trouble
        if name in trouble.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        for at in range(start, len(content), PIECE):
            if trouble.hold_after is not None and len(content) > LARGE and at >= trouble.hold_after:
                trouble.held.set()
                trouble.go_on.wait(60)
            try:
                self.wfile.write(content[at : at + PIECE])
                self.wfile.flush()
            except OSError:  # the other side was ended
                self.close_connection = True
                return


def _information(name: str, repository: Repository) -> dict[str, object]:
    siblings: list[dict[str, object]] = []
    for file, content in repository.files.items():
        git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        entry: dict[str, object] = {"rfilename": file, "size": len(content), "blobId": git}
        if len(content) >= LARGE:
            entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        siblings.append(entry)
    return {"id": name, "modelId": name, "sha": repository.revision, "siblings": siblings, "tags": [], "private": False}


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub that nobody else can reach, gone with the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    hub = Hub(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"hub": hub})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.trouble.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
