"""Python's own servers: the model of this library, and asyncio.

Prints its port, then serves until it is ended.

    python3 bench/servers/cpython.py threading|forking|asyncio HANDLER 0
    python3 bench/servers/cpython.py --tls PATH threading HANDLER 0
    python3 bench/servers/cpython.py udp|threading_udp packet|sendto 0

With --tls the certificate is PATH.crt, and its key PATH.key.
"""

import asyncio
import socketserver
import ssl
import sys

# What one read takes at the most, in bytes: the same in all servers.
READ_SIZE = 65_536
# Python's default of 5 would make new connections wait for retransmissions.
BACKLOG = 4096
# As in compute.ts.
TURNS = 2_000_000
# How often each line of a fan-out goes to each client: as in copies.ts.
COPIES = 100
# What is sent at once where much is sent: as in bulk.ts.
BULK = memoryview((b"x" * 63 + b"\n") * 4096)


def compute():
    total = 0
    for turn in range(TURNS):
        total = (total * 31 + turn) % 1_000_003
    return total


class EchoHandler(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(READ_SIZE):
            self.request.sendall(data)


class LinesHandler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True  # as the other servers do

    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.decode().upper().encode())


class FanoutHandler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    members = {}  # only changed while nobody is told anything

    def handle(self):
        self.members[self] = self.wfile
        try:
            self.wfile.write(b"ready\n")
            for line in self.rfile:
                for _ in range(COPIES):
                    for member in self.members.values():
                        member.write(line)
        finally:
            del self.members[self]


class ComputeHandler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        for _ in self.rfile:
            self.wfile.write(b"%d\n" % compute())


class MixedHandler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        for line in self.rfile:
            heavy = line == b"heavy\n"
            self.wfile.write(b"%d\n" % compute() if heavy else line.decode().upper().encode())


class BulkOutHandler(socketserver.BaseRequestHandler):
    def handle(self):
        while line := self.request.recv(READ_SIZE):
            for left in range(int(line), 0, -len(BULK)):
                self.request.sendall(BULK[:left])


class BulkInHandler(socketserver.BaseRequestHandler):
    def handle(self):
        length = 0
        while data := self.request.recv(READ_SIZE):
            length += len(data)
            if data.endswith(b"\n"):
                self.request.sendall(b"%d\n" % length)
                length = 0


class PacketHandler(socketserver.DatagramRequestHandler):
    def handle(self):
        self.wfile.write(self.packet)


class SendtoHandler(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        sock.sendto(data, self.client_address)


class ThreadingTCPServer(socketserver.ThreadingTCPServer):
    request_queue_size = BACKLOG
    daemon_threads = True


class TLSServer(ThreadingTCPServer):
    """The handshake is made in the thread of the handler, which reads first."""

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)

    def get_request(self):
        sock, address = super().get_request()
        return (
            self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False),
            address,
        )


class ForkingTCPServer(socketserver.ForkingMixIn, socketserver.TCPServer):
    request_queue_size = BACKLOG


class ThreadingUDPServer(socketserver.ThreadingUDPServer):
    daemon_threads = True


SERVERS = {
    "threading": ThreadingTCPServer,
    "forking": ForkingTCPServer,
    "udp": socketserver.UDPServer,
    "threading_udp": ThreadingUDPServer,
}
HANDLERS = {
    "echo": EchoHandler,
    "lines": LinesHandler,
    "fanout": FanoutHandler,
    "compute": ComputeHandler,
    "mixed": MixedHandler,
    "bulk_out": BulkOutHandler,
    "bulk_in": BulkInHandler,
    "packet": PacketHandler,
    "sendto": SendtoHandler,
}


def serve_socketserver(kind, handler, port):
    with SERVERS[kind](("127.0.0.1", port), HANDLERS[handler]) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


async def echo(reader, writer):
    while data := await reader.read(READ_SIZE):
        writer.write(data)
        await writer.drain()
    writer.close()


async def lines(reader, writer):
    async for line in reader:
        writer.write(line.decode().upper().encode())
        await writer.drain()
    writer.close()


COROUTINES = {"echo": echo, "lines": lines}


async def serve_asyncio(handler, port):
    serve = COROUTINES[handler]
    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    args = sys.argv[1:]
    if args[0] == "--tls":
        _, path, *args = args
        TLSServer.context.load_cert_chain(path + ".crt", path + ".key")
        SERVERS["threading"] = TLSServer
    kind, handler, port = args
    if kind == "asyncio":
        asyncio.run(serve_asyncio(handler, int(port)))
    else:
        serve_socketserver(kind, handler, int(port))
