"""Silent event streams and uploads on one port, a WebSocket echo on the next: python upstream.py PORT."""

import asyncio
import re
import sys

from websockets.asyncio.server import ServerConnection, serve


async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"PUT"):
        left = int(re.findall(rb"(?i)content-length: (\d+)", head)[0])
        while left:
            left -= len(await reader.read(min(left, 2**20)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()
        return
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n")
    await reader.read()
    writer.close()


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def main(port: int) -> None:
    options = {"compression": None, "ping_interval": None}
    async with (
        await asyncio.start_server(stream, "127.0.0.1", port, backlog=4096, limit=2**20),
        serve(echo, "127.0.0.1", port + 1, **options),  # type: ignore[arg-type]
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
