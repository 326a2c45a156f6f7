"""A publisher for tests: facts of a dataset, and a server that drops, refuses and corrupts."""

import hashlib
import re
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


class Server:
    """Answers by script and remembers path, Range and If-Range of every request."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.asked: list[tuple[str, str | None, str | None]] = []
        handler = type("Handler", (_Handler,), {"owner": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.owner.asked.append((self.path, wanted, self.headers.get("If-Range")))
        reply = self.owner.script.pop(0) if self.owner.script else Reply()
        found = re.match(r"bytes=(\d+)-$", wanted or "")
        self.answer(reply, int(found[1]) if found and reply.ranges else 0)

    def answer(self, reply: Reply, start: int) -> None:
        size = len(reply.body)
        status = reply.status or (416 if start >= size else 206 if start else 200)
        body = reply.body[start:] if status in (200, 206) else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if status == 416:
            self.send_header("Content-Range", f"bytes */{size}")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: reply.drop_after])
        if reply.drop_after is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: `asked` remembers."""


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
