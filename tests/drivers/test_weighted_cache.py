import threading

from drivers.weighted_cache import ENTRY, WeightedCache


def test_what_was_used_least_recently_goes_first() -> None:
    cache = WeightedCache[str, str](lambda: 3 * (100 + ENTRY))
    for key in "abc":
        cache.put(key, key.upper(), 100)
    assert cache.get("a") == "A"
    cache.put("d", "D", 100)
    assert [cache.get(key) for key in "abcd"] == ["A", None, "C", "D"]


def test_what_is_heavier_than_the_limit_is_not_kept_and_pushes_nothing_out() -> None:
    cache = WeightedCache[str, str](lambda: 1_000)
    cache.put("a", "A", 100)
    cache.put("b", "B", 1_000)
    assert (cache.get("a"), cache.get("b")) == ("A", None)
    cache.put("a", "AA", 1_000)
    assert len(cache) == 0


def test_the_number_of_light_ones_is_bounded_too() -> None:
    cache = WeightedCache[int, bytes](lambda: 10 * ENTRY)
    for number in range(100):
        cache.put(number, b"", 0)
    assert [number for number in range(100) if number in cache] == list(range(90, 100))


def test_putting_one_again_weighs_it_once() -> None:
    cache = WeightedCache[str, str](lambda: 2 * (100 + ENTRY))
    for _ in range(5):
        cache.put("a", "A", 100)
    cache.put("b", "B", 100)
    assert (cache.get("a"), cache.get("b")) == ("A", "B")


def test_threads_share_it() -> None:
    cache = WeightedCache[int, int](lambda: 50 * ENTRY)

    def work(thread: int) -> None:
        for number in range(2_000):
            cache.put(number % 97 + thread, number, 0)
            cache.get(number % 89)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache) == 50
    cache.clear()
    cache.put(1, 1, 49 * ENTRY)
    assert cache.get(1) == 1
