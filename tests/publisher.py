"""A publisher for tests: facts of a dataset, and a server that drops, refuses and corrupts."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from schemas import Archive, Dataset

BODY = bytes(range(256)) * 4096  # 1 MiB
MD5 = "md5:" + hashlib.md5(BODY).hexdigest()


@dataclass
class Reply:
    """How the server answers one request; a request beyond the list is answered in full."""

    status: int = 0  # 0: 200, or 206 where a range is asked for
    headers: dict[str, str] = field(default_factory=dict)
    drop_after: int | None = None  # bytes
    body: bytes = BODY
    ranges: bool = True
    said: bool = False  # an error has the body too
    length: int | None = None  # the Content-Length it claims


class Server:
    """Answers by script and remembers path, Range and If-Range of every request."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.keys: list[str | None] = []  # Authorization of every request
        self.pages: dict[str, Reply] = {}  # path without query -> answer, where no script is left
        self.lock = threading.Lock()
        self.at_once = self.most_at_once = 0
        handler = type("Handler", (_Handler,), {"owner": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        with self.owner.lock:
            self.owner.asked.append((self.path, wanted, self.headers.get("If-Range")))
            self.owner.keys.append(self.headers.get("Authorization"))
            page = self.owner.pages.get(self.path.partition("?")[0], Reply())
            reply = self.owner.script.pop(0) if self.owner.script else page
            self.owner.at_once += 1
            self.owner.most_at_once = max(self.owner.at_once, self.owner.most_at_once)
        found = re.match(r"bytes=(\d+)-$", wanted or "")
        try:
            self.answer(reply, int(found[1]) if found and reply.ranges else 0)
        finally:
            with self.owner.lock:
                self.owner.at_once -= 1

    def answer(self, reply: Reply, start: int) -> None:
        size = len(reply.body)
        status = reply.status or (416 if start >= size else 206 if start else 200)
        body = reply.body[start:] if status in (200, 206) or (status >= 400 and reply.said) else b""
        self.send_response(status)
        length = len(body) if reply.length is None else reply.length
        self.send_header("Content-Length", str(length))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if status == 416:
            self.send_header("Content-Range", f"bytes */{size}")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: reply.drop_after])
        if reply.drop_after is not None or reply.length is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: `asked` remembers."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs while the block does."""
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()


def dataset(*archives: Archive, **facts: object) -> Dataset:
    return Dataset.model_validate(
        {
            "name": "d",
            "title": "D",
            "homepage": "https://example.org",
            "licence": "CC0-1.0",
            "citation": "none",
            "archives": archives,
            "splits": ("train",),
        }
        | facts
    )


def one(server: Server, checksum: str | None = MD5, **facts: object) -> Dataset:
    """A dataset of the one archive a.bin, which `server` gives."""
    fields = {"name": "a.bin", "url": f"{server.url}/a.bin", "checksum": checksum}
    return dataset(Archive.model_validate(fields | facts))
