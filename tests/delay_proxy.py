"""A far network: a TCP proxy that delays what goes through it, each way, the handshake too.

    python -m tests.delay_proxy TARGET_PORT ONE_WAY_MS [BYTES_PER_SECOND]

prints the port that it listens on, on loopback, and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

HOST = "127.0.0.1"
_BLOCK = 64 * 1024


class DelayProxy:
    """Forwards connections to `target`, a port of this machine, as over a far network.

    `one_way` is the delay each way in seconds: a connection takes two of them before anything can
    go through. `bandwidth` is in bytes per second, each way of each connection; default None, for
    no limit. `connections` counts those that were opened. A context manager.
    """

    def __init__(self, target: int, one_way: float, bandwidth: float | None = None) -> None:
        self.connections = 0
        self.port = 0
        self._target = target
        self._one_way = one_way
        self._bandwidth = bandwidth
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delay-proxy", daemon=True)

    def __enter__(self) -> DelayProxy:
        self._thread.start()
        if not self._started.wait(10):
            raise TimeoutError("the proxy does not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._ended = asyncio.Event()
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._forward, HOST, 0, backlog=256)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._ended.wait()
        server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _forward(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self.connections += 1
        await asyncio.sleep(2 * self._one_way)
        writers = [back]
        try:
            far, there = await asyncio.open_connection(HOST, self._target)
            writers.append(there)
            await asyncio.gather(self._delayed(near, there), self._delayed(far, back))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for writer in writers:
                writer.close()

    async def _delayed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes on each block when its time has come, in order."""
        blocks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def receive() -> None:
            free = 0.0
            block = b"-"
            while block:
                try:
                    block = await reader.read(_BLOCK)
                except OSError:
                    block = b""
                now = time.monotonic()
                if self._bandwidth:
                    free = max(free, now) + len(block) / self._bandwidth
                    if free > now:
                        await asyncio.sleep(free - now)  # and so the sender waits, too
                blocks.put_nowait((time.monotonic() + self._one_way, block))

        receiving = asyncio.ensure_future(receive())
        try:
            while True:
                due, block = await blocks.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if not block:
                    with contextlib.suppress(OSError):
                        writer.write_eof()
                    return
                writer.write(block)
                await writer.drain()
        finally:
            receiving.cancel()


@contextlib.contextmanager
def far(target: int, one_way: float) -> Iterator[str]:
    """The address of such a proxy in a process of its own, which costs the caller's none of its
    time."""
    words = [sys.executable, "-m", "tests.delay_proxy", str(target), str(1000 * one_way)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        try:
            yield f"http://{HOST}:{process.stdout.readline().strip()}"
        finally:
            process.stdin.close()


def main(target: str, one_way_ms: str, bandwidth: str = "") -> None:
    limit = float(bandwidth) if bandwidth else None
    with DelayProxy(int(target), float(one_way_ms) / 1000, limit) as proxy:
        print(proxy.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
