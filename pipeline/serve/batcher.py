"""Micro-batches: requests that come while the model works are read together; how many wait is bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Job = TypeVar("Job")


class QueueFull(Exception):
    """More messages wait than may; ``retry_after`` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("the queue is full")
        self.retry_after = retry_after


@dataclass
class _Waiting(Generic[Job]):
    job: Job
    size: int
    done: asyncio.Future[Any]


class Batcher(Generic[Job]):
    """Runs jobs in one thread, several at once. ``run`` takes jobs and returns, for each, its result or an exception.

    At most ``most_waiting`` messages wait; ``most_at_once`` are run together, or one job that is larger. ``told`` is given the
    messages of each batch.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Job]], Sequence[object]],
        *,
        most_waiting: int,
        most_at_once: int,
        on_batch: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._run = run
        self._most_waiting = most_waiting
        self._most_at_once = most_at_once
        self._told = on_batch
        self._queue: deque[_Waiting[Job]] = deque()
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._seconds_per_message = 0.001
        self.waiting = 0

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Finish what waits, and stop."""
        self._closing = True
        self._some.set()
        if self._task is not None:
            await self._task

    async def submit(self, job: Job, size: int) -> Any:
        """Return the result of a job of ``size`` messages.

        Raises
        ------
        QueueFull
            When too many messages wait already, or the service is closing.
        """
        if self._closing or (self.waiting and self.waiting + size > self._most_waiting):
            raise QueueFull(max(1, round(self.waiting * self._seconds_per_message)))
        waiting = _Waiting(job, size, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self.waiting += size
        self._some.set()
        return await waiting.done

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "safelight-model") as pool:
            while self._queue or not self._closing:
                self._some.clear()
                batch = self._next()
                if not batch:
                    if not self._closing:
                        await self._some.wait()
                    continue
                began = loop.time()
                results = await loop.run_in_executor(pool, self._results, [waiting.job for waiting in batch])
                size = sum(waiting.size for waiting in batch)
                self._seconds_per_message += 0.2 * ((loop.time() - began) / max(1, size) - self._seconds_per_message)
                self._told(size)
                for waiting, result in zip(batch, results, strict=True):
                    self.waiting -= waiting.size
                    _answer(waiting.done, result)

    def _results(self, jobs: list[Job]) -> Sequence[object]:
        try:
            return self._run(jobs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next requests are answered
            return [error] * len(jobs)

    def _next(self) -> list[_Waiting[Job]]:
        batch: list[_Waiting[Job]] = []
        size = 0
        while self._queue and (not batch or size + self._queue[0].size <= self._most_at_once):
            waiting = self._queue.popleft()
            if waiting.done.cancelled():  # the client has gone
                self.waiting -= waiting.size
                continue
            batch.append(waiting)
            size += waiting.size
        return batch


def _answer(done: asyncio.Future[Any], result: object) -> None:
    if done.cancelled():
        return
    if isinstance(result, BaseException):
        done.set_exception(result)
    else:
        done.set_result(result)
