"""Contents by their digests: stored once, read in one statement, never given out for what they are not."""

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.datastore.blobs import digest_of_content, read_blobs, store_blobs
from apps.datastore.models import Blob
from tests.state.items import execute
from tests.state.racing import race

pytestmark = pytest.mark.django_db

CONTENTS = [b"", b"\0\xff\\x00", b"text \xc3\xa9\r\n", bytes(range(256)) * 4_000]


def by_digest(*contents: bytes) -> dict[str, bytes]:
    return {digest_of_content(content): content for content in contents}


def test_what_was_stored_is_read_byte_for_byte(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    store_blobs(by_digest(*CONTENTS))
    with django_assert_num_queries(1):
        assert read_blobs([*by_digest(*CONTENTS), "0" * 64]) == by_digest(*CONTENTS)


def test_what_is_there_is_not_sent_again(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    store_blobs(by_digest(*CONTENTS))
    with django_assert_num_queries(1):
        store_blobs(by_digest(*CONTENTS))
    store_blobs(by_digest(*CONTENTS, b"one more"))
    assert Blob.objects.count() == len(CONTENTS) + 1


def test_large_contents_go_in_several_statements(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    contents = by_digest(*(bytes([number]) * 5_000_000 for number in range(4)))
    with django_assert_num_queries(5):
        store_blobs(contents)
    assert read_blobs(contents) == contents


def test_a_content_that_is_not_what_its_digest_says_is_not_given_out(caplog: pytest.LogCaptureFixture) -> None:
    store_blobs(by_digest(b"good", b"bad"))
    execute(f"UPDATE datastore_blob SET content = 'worse' WHERE digest = '{digest_of_content(b'bad')}'")
    assert read_blobs(by_digest(b"good", b"bad")) == by_digest(b"good")
    assert "is not what its digest says" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_those_who_store_the_same_at_once_do_not_lock_up() -> None:
    def store(number: int, reverse: bool) -> None:
        contents = [f"{number}-{n}".encode() for n in range(40)]
        store_blobs(by_digest(*(contents[::-1] if reverse else contents)))

    race(60, lambda number: store(number, False), lambda number: store(number, True), spread=0.002)
    assert Blob.objects.count() == 60 * 40
