"""A model hub for tests: the few endpoints that `huggingface_hub` asks for one file at a commit."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

LARGE = 5_000  # bytes from which a file has a sha256 (Git LFS), below it git's sha1


@dataclass
class Hub:
    """Files of one model at one commit; `damaged` ones come with a byte flipped."""

    name: str
    revision: str
    files: dict[str, bytes]
    damaged: set[str] = field(default_factory=set[str])
    asked: list[str] = field(default_factory=list[str])
    url: str = ""


def etag(content: bytes) -> str:
    """A file's hash as the hub tells it."""
    if len(content) > LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self.answer(False)

    def do_GET(self) -> None:
        self.answer(True)

    def answer(self, body: bool) -> None:
        path = unquote(self.path.partition("?")[0])
        self.hub.asked.append(path)
        place = f"/{self.hub.name}/resolve/"
        if not path.startswith(place):
            return self.refuse("RepoNotFound")
        revision, _, name = path.removeprefix(place).partition("/")
        if revision != self.hub.revision:
            return self.refuse("RevisionNotFound")
        if name not in self.hub.files:
            return self.refuse("EntryNotFound")
        content = self.hub.files[name]
        self.send_response(200)
        self.send_header("ETag", f'"{etag(content)}"')
        self.send_header("X-Repo-Commit", revision)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            flipped = content[:-1] + bytes([content[-1] ^ 1])
            self.wfile.write(flipped if name in self.hub.damaged else content)

    def refuse(self, code: str) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        if code == "EntryNotFound":
            self.send_header("X-Repo-Commit", self.hub.revision)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: `asked` remembers."""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub, answering while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
