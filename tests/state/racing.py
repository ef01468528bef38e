"""Races on real connections: threads that start each round together, each with a Django connection of its own."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")

PATIENCE_SECONDS = 60.0


def race(rounds: int, *racers: Callable[[int], T], spread: float = 0.0) -> list[list[T]]:
    """Call every racer with the number of each round, all of a round at once. What each returned, by racer and round.

    With a `spread` each starts at random up to so many seconds late, so that over the rounds every step of one meets
    every step of another. What one of them raises ends the race and is raised here.
    """
    start = threading.Barrier(len(racers), timeout=PATIENCE_SECONDS)

    def run(racer: Callable[[int], T]) -> list[T]:
        try:
            results = []
            for number in range(rounds):
                start.wait()
                if spread:
                    time.sleep(random.uniform(0, spread))
                results.append(racer(number))
            return results
        except threading.BrokenBarrierError:
            return []
        except BaseException:
            start.abort()
            raise
        finally:
            connection.close()

    with ThreadPoolExecutor(len(racers)) as threads:
        running = [threads.submit(run, racer) for racer in racers]
    return [one.result() for one in running]
