"""Kafka and a registry that appear at addresses that were promised before: the outage ends."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from confluent_kafka import Consumer, Producer


def free_port() -> int:
    """A port at which nothing answers."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def start_registry(port: int) -> None:
    """Answers every registration with the same id."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = json.dumps({"id": 7}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


class MockKafka:
    """librdkafka's mock cluster of one broker, which is also reached at `port`."""

    def __init__(self, port: int) -> None:
        self._holder = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        broker = next(iter(self._holder.list_topics(timeout=10).brokers.values()))
        self.address = (broker.host, broker.port)
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            client, _ = listener.accept()
            broker = socket.create_connection(self.address)
            for source, target in ((client, broker), (broker, client)):
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()

    def read(self, topic: str, count: int) -> list[bytes]:
        """The first `count` values of a topic; fewer when no more come."""
        host, port = self.address
        config: dict[str, Any] = {
            "bootstrap.servers": f"{host}:{port}",
            "group.id": "bench",
            "auto.offset.reset": "earliest",
        }
        consumer = Consumer(config)
        consumer.subscribe([topic])
        values: list[bytes] = []
        while len(values) < count:
            messages = consumer.consume(min(1_000, count - len(values)), timeout=20)
            if not messages:
                break
            values += [m.value() or b"" for m in messages if m.error() is None]
        consumer.close()
        return values


def _copy(source: socket.socket, target: socket.socket) -> None:
    while data := source.recv(65_536):
        target.sendall(data)
