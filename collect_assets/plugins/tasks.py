"""Harvest tasks: the requests of a harvest that takes many, each kept by itself until the harvest is finished.

A finished task is a page in the harvest's folder below `work/pending/`, and beside it what is known of it. The page is
on the disk before that is written, so what stands there is finished, however the process ended; it is not asked again
while the day lasts. What the pages mean, and which of them there are, is the plugin's business.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from collect_assets.errors import FetchError
from collect_assets.network.gate import Answer, Fetcher, Request
from collect_assets.network.stopping import current_halt
from collect_assets.plugins.answers import body_of, drop_body
from collect_assets.store.local import publish, write_atomically

MOST_FAILURES_IN_A_ROW = 3  # after which the other pages of a harvest are not asked for in this run
LONGEST_BACKOFF = 60.0
WAITING = "waiting.list"  # beside the finished tasks: those that are known and were not asked for yet
LONGEST_REQUEST = 2000  # characters of a request that the log keeps


@dataclass(frozen=True)
class Kept:
    """What an accepted answer leaves.

    Attributes:
        part: the file to keep: the answer's own, or another one in `work`.
        records: how many records are in it; None for a request that brings none.
        facts: what the plugin wants to know of the page when it is there already.
        note: what people should know about it.
    """

    part: Path
    records: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


State = Literal["finished", "failed", "waiting"]
Accept = Callable[[Answer, Path], Kept]
"""Looks at an answer and its body; raises a `FetchError` where it is no such page, a transient one to try again."""


@dataclass(frozen=True)
class Task:
    """One request of a harvest, and what became of it.

    Attributes:
        key: its name within the harvest.
        request: what was asked, in one line.
        attempts: requests that were sent, in the run that finished it, or failed last.
        bytes: of the answer.
        message: why it failed; of a finished one, what the provider noted.
        size: of the page that is kept.
    """

    key: str
    request: str
    state: State
    attempts: int = 0
    records: int | None = None
    elapsed: float = 0.0
    bytes: int = 0
    message: str = ""
    size: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def logged(self) -> dict[str, Any]:
        """As it stands in the log."""
        row = {**asdict(self), "elapsed": round(self.elapsed, 3), "request": self.request[:LONGEST_REQUEST]}
        return {key: value for key, value in row.items() if key not in {"size", "facts"} and value not in (None, "")}


class Tasks:
    """The tasks of one harvest, in the order in which they were asked for."""

    def __init__(
        self,
        pending: Path,
        work: Path,
        gate: Fetcher,
        *,
        attempts: int = 3,
        backoff: float = 1.0,
        look: bool = False,
    ) -> None:
        """Nothing is asked or written yet.

        Args:
            pending: where finished tasks of this harvest are kept.
            work: for files in the making, on the same file system.
            gate: asks, and tries again what did not come.
            attempts: how often a request is sent whose answers say that they are a passing failure.
            backoff: seconds before the second of them; twice that before the third.
            look: whether the first page with records is enough.
        """
        self._pending = pending
        self._gate = gate
        self._attempts = attempts
        self._backoff = backoff
        self._look = look
        self._tasks: dict[str, Task] = {}
        self._waiting: dict[str, str] = {}
        self._in_a_row = 0
        self.work = work
        self.answer: Answer | None = None
        self.error: FetchError | None = None

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks.values())

    @property
    def failed(self) -> list[Task]:
        """Those that brought nothing."""
        return [task for task in self if task.state == "failed"]

    @property
    def enough(self) -> bool:
        """Whether only a look was wanted, and there is something to see."""
        return self._look and any(task.records for task in self)

    @property
    def given_up(self) -> bool:
        """Whether no more pages are asked for: a look was enough, or so many failed that the next run goes on."""
        return self.enough or self._in_a_row >= MOST_FAILURES_IN_A_ROW

    @property
    def waiting(self) -> list[Task]:
        """Those that are known and were not asked for yet."""
        return [Task(key, text, "waiting") for key, text in self._waiting.items()]

    def expect(self, tasks: Iterable[tuple[str, Request]]) -> None:
        """Puts tasks on record that became known, so that what is missing can be seen before it is asked for."""
        new = {key: _text(request) for key, request in tasks}
        self._waiting |= {key: text for key, text in new.items() if key not in self._tasks}
        rows = [asdict(task) for task in self.waiting]
        write_atomically(self._pending / WAITING, json.dumps(rows, sort_keys=True).encode(), self.work)

    def finished(self, key: str, request: Request) -> bool:
        """Whether an earlier run of the day, or this one, finished a task with this request."""
        return self._finished(key, _text(request)) is not None

    def logged(self) -> tuple[dict[str, Any], ...]:
        """All tasks as they stand in the log."""
        return tuple(task.logged() for task in (*self, *self.waiting))

    def ended_by(self, error: FetchError) -> FetchError:
        """An error that ends the harvest, with what was asked until then."""
        error.tasks = self.logged()
        if not error.evidence.attempts and self.answer is not None:
            error.evidence = self.answer.evidence
        return error

    def page(self, key: str) -> Path:
        """Where the page of a finished task is."""
        return self._pending / key

    def forget(self, key: str) -> None:
        """Leaves out a task whose page is of no use, or must not be used again."""
        self._tasks.pop(key, None)
        self._waiting.pop(key, None)
        for path in (self._record(key), self.page(key)):
            path.unlink(missing_ok=True)

    def ask(self, key: str, request: Request, accept: Accept) -> Task:
        """The finished task: from an earlier run of the day where there is one, else asked for now.

        Args:
            key: letters, digits, `.` and `-`: it names files.
            request: what to ask; a finished task with another request is asked again.
            accept: what the answer has to be.

        Raises:
            FetchError: it failed; the task is on record.
        """
        text = _text(request)
        task = self._finished(key, text)
        if task is None:
            try:
                task = self._ask(key, text, request, accept)
            except FetchError as error:
                self._add(_failed(key, text, error))
                error.tasks = self.logged()
                self.error = error
                raise
            write_atomically(self._record(key), json.dumps(asdict(task), sort_keys=True).encode(), self.work)
        self._add(task)
        return task

    def attempt(self, key: str, request: Request, accept: Accept) -> Task | None:
        """The same; None where it failed, so that the other pages go on."""
        try:
            return self.ask(key, request, accept)
        except FetchError:
            return None

    def _add(self, task: Task) -> None:
        self._tasks[task.key] = task
        self._waiting.pop(task.key, None)
        self._in_a_row = self._in_a_row + 1 if task.state == "failed" else 0

    def _record(self, key: str) -> Path:
        return self._pending / f"{key}.json"

    def _finished(self, key: str, text: str) -> Task | None:
        try:
            task = Task(**json.loads(self._record(key).read_bytes()))
            whole = self.page(key).stat().st_size == task.size
        except (OSError, ValueError, TypeError):
            return None
        return task if whole and task.request == text else None

    def _ask(self, key: str, text: str, request: Request, accept: Accept) -> Task:
        """Sends a request until an answer is accepted. What the gate gave up is not tried again here."""
        sent, elapsed = 0, 0.0
        for turn in range(1, self._attempts + 1):
            answer = self._gate.fetch(request)
            sent, elapsed = sent + len(answer.attempts), elapsed + answer.elapsed
            self.answer = self.answer or replace(answer, part=None)
            body = body_of(answer)
            try:
                kept = accept(answer, body)
            except FetchError as error:
                drop_body(answer)
                error.evidence = replace(answer.evidence, elapsed=elapsed)
                if not error.transient or turn == self._attempts:
                    raise
                current_halt().sleep(min(self._backoff * 2 ** (turn - 1), LONGEST_BACKOFF))
            except BaseException:
                drop_body(answer)
                raise
            else:
                break
        size = kept.part.stat().st_size
        publish(kept.part, self.page(key))
        if kept.part != body:
            drop_body(answer)
        return Task(
            key, text, "finished", sent, kept.records, elapsed, answer.size, kept.note, size=size, facts=kept.facts
        )


def _failed(key: str, text: str, error: FetchError) -> Task:
    evidence = error.evidence
    size = evidence.attempts[-1].bytes if evidence.attempts else 0
    return Task(key, text, "failed", len(evidence.attempts), None, evidence.elapsed, size, str(error))


def _text(request: Request) -> str:
    body = (request.body or b"").decode("utf-8", "replace")
    return f"{request.method} {request.url}{f' {body}' if body else ''}"
