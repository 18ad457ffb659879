"""Many things at many hosts: one queue per host, the busiest host first, several hosts at once.

Nothing here knows HTTP: `work` is called in threads, one thing of a host after the other. A thread is added only while
those that are there leave the processor idle: threads that wait for strangers' servers cost nothing, and threads that
wait for each other (Python runs one at a time) cost more than they bring: without latency 64 of them take a quarter
longer than three.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from collect_assets.network.stopping import Halt, StopFetching, set_current_halt

T = TypeVar("T")
R = TypeVar("R")

PATIENCE = 5.0  # seconds that stopping waits for threads which do something else than fetch
GLANCE = 0.05  # seconds between two looks at how busy the processor is
BUSY = 0.5  # of one processor; above this, other threads cost more than they bring
FIRST = 3  # threads to begin with


def queues_of(things: Iterable[T], host: Callable[[T], str]) -> list[deque[T]]:
    """The things of each host in their order, the longest queue first: it decides when all is done."""
    queues: dict[str, deque[T]] = {}
    for thing in things:
        queues.setdefault(host(thing), deque()).append(thing)
    return sorted(queues.values(), key=len, reverse=True)


def each_in_turn(
    queues: list[deque[T]], work: Callable[[T], R], *, at_once: int, leave: Callable[[], None]
) -> Iterator[list[tuple[T, R]]]:
    """Yields things with the result of their work: all that are done by then, so what they share can be done once.

    Args:
        queues: things that must come one after the other stand in one queue.
        work: called in threads.
        at_once: how many queues are worked on at the same time at most.
        leave: called by each thread at its end.

    Raises:
        BaseException: what `work` raised first, after all threads were stopped.
    """
    crew = _Crew(queues, work, leave)
    most = min(at_once, len(queues))
    pace = _Pace()
    running = 0
    try:
        while running or crew.waiting:
            if crew.waiting and crew.size < most and (running == 0 or pace.is_idle()):
                more = min(
                    1 + crew.size // 2 if crew.size else FIRST, most - crew.size
                )  # 64 are there in half a second
                crew.start(more)
                running += more
            done = crew.done(GLANCE if crew.waiting and crew.size < most else None)
            running -= done.count(None)
            if results := [result for result in done if isinstance(result, tuple)]:
                yield results
            for error in done:
                if isinstance(error, BaseException):
                    raise error
    finally:
        crew.stop()


class _Pace:
    """How busy this process is."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def is_idle(self) -> bool:
        """Whether the processor had time left since the last look, which is some milliseconds ago."""
        wall, cpu = time.monotonic(), time.process_time()
        if wall - self._wall < GLANCE:
            return False
        idle = cpu - self._cpu < BUSY * (wall - self._wall)
        self._wall, self._cpu = wall, cpu
        return idle


class _Crew(Generic[T, R]):
    """The threads of one call; each takes a queue, works it off, and takes the next."""

    def __init__(self, queues: list[deque[T]], work: Callable[[T], R], leave: Callable[[], None]) -> None:
        self._results: SimpleQueue[tuple[T, R] | BaseException | None] = SimpleQueue()
        self._queues = deque(queues)
        self._work = work
        self._leave = leave
        self._halt = Halt()
        self._threads: list[threading.Thread] = []

    @property
    def waiting(self) -> bool:
        """Whether there are queues that no thread has taken yet."""
        return bool(self._queues)

    @property
    def size(self) -> int:
        """How many threads were started."""
        return len(self._threads)

    def start(self, count: int) -> None:
        """Starts threads; they are daemons, so that one that hangs in `work` cannot keep the process."""
        for _ in range(count):
            thread = threading.Thread(target=self._run, name=f"fetch-{self.size}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def done(self, within: float | None) -> list[tuple[T, R] | BaseException | None]:
        """What came since the last time, with a None for each thread that ended; waits a while for the first."""
        came: list[tuple[T, R] | BaseException | None] = []
        with suppress(Empty):
            came.append(self._results.get(timeout=within))
            while True:
                came.append(self._results.get_nowait())
        return came

    def stop(self) -> None:
        """Cuts what is being fetched and waits for the threads."""
        self._halt.stop()
        until = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0.0))

    def _run(self) -> None:
        set_current_halt(self._halt)
        try:
            while True:
                try:
                    queue = self._queues.popleft()
                except IndexError:
                    return
                self._work_off(queue)
        except StopFetching:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where the results are read
            self._results.put(error)
        finally:
            self._leave()
            self._results.put(None)

    def _work_off(self, queue: deque[T]) -> None:
        for thing in queue:
            self._halt.check()
            self._results.put((thing, self._work(thing)))
