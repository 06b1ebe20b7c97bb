"""Plain HTTP/1.1 around the wire formats: whole JSON answers, chunked streams, and noticing that a caller hung up."""

import json
import select
import socket
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from scenario import Failure

# A stalled answer ends by itself after this long, so that a test that fails cannot hang the process.
LONGEST_STALL_SECONDS = 60


class Stall:
    """Put between the frames of a stream: nothing more is sent until the caller hangs up."""


@dataclass(frozen=True)
class Request:
    """A request with its JSON body parsed; header names are lower case."""

    method: str
    path: str
    headers: dict
    body: dict


@dataclass(frozen=True)
class Whole:
    """An answer sent in one piece. Without a body, nothing is sent until the caller hangs up."""

    body: object
    status: int = 200
    headers: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Stream:
    """An answer sent frame by frame, each in its own chunk; a frame is bytes or `Stall`."""

    content_type: str
    frames: object


class FakeServer(ThreadingHTTPServer):
    """Serves one wire format on a free loopback port and counts the callers that hung up on a stalled answer."""

    daemon_threads = True

    def __init__(self, wire):
        super().__init__(("127.0.0.1", 0), Exchange)
        self.wire = wire
        self.hang_ups = 0

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class Exchange(BaseHTTPRequestHandler):
    """One connection: reads requests, asks the server's wire format for the answers and writes them."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/fake/hang-ups":
            self.write_whole(Whole({"hang_ups": self.server.hang_ups}))
        else:
            self.answer({})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.answer(json.loads(body))

    def answer(self, body):
        headers = {name.lower(): value for name, value in self.headers.items()}
        wire = self.server.wire
        try:
            answer = wire.answer(Request(self.command, self.path, headers, body))
        except Failure as failure:
            answer = Whole(wire.error_body(failure), failure.status, failure.headers)
        if isinstance(answer, Stream):
            self.write_stream(answer)
        elif answer.body is None:
            self.stall()
        else:
            self.write_whole(answer)

    def write_whole(self, answer):
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def write_stream(self, answer):
        self.send_response(200)
        self.send_header("content-type", answer.content_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for frame in answer.frames:
            if frame is Stall:
                self.stall()
                return
            self.wfile.write(f"{len(frame):x}\r\n".encode() + frame + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def stall(self):
        """Say nothing until the caller closes its side. A reset counts as closing."""
        self.close_connection = True
        readable, _, _ = select.select([self.connection], [], [], LONGEST_STALL_SECONDS)
        if not readable:
            return
        try:
            is_closed = self.connection.recv(1, socket.MSG_PEEK) == b""
        except ConnectionError:
            is_closed = True
        if is_closed:
            self.server.hang_ups += 1

    def log_message(self, format, *arguments):
        """Stay silent: what matters is what the clients report."""


def json_line(value):
    """A line of newline-delimited JSON."""
    return json.dumps(value).encode() + b"\n"


def server_sent_event(value, name=None):
    """A server-sent event that carries JSON."""
    event = f"event: {name}\n" if name else ""
    return f"{event}data: {json.dumps(value)}\n\n".encode()


def with_faults(reply, frames):
    """The frames of a stream up to where the reply stalls or is cut: after its first piece of text."""
    if not (reply.stalls or reply.is_cut):
        yield from frames
        return
    first = reply.pieces[0].encode()
    for frame in frames:
        yield frame
        if first in frame:
            break
    if reply.stalls:
        yield Stall
