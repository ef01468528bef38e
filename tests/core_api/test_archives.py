"""Archives: what they may hold, and that nothing hostile in one does anything but fail."""

import gzip
import io
import random
import struct
import subprocess
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.core_api.archive_contents import ArchiveLimits
from apps.core_api.archives import READERS, functions_in
from apps.datastore.definition.faults import InvalidDefinition
from tests.core_api.archiving import PACKERS, entry, tar, tar_of, zip_of, zipped
from tests.core_api.mangling import mangled

MIB = 1024 * 1024
LIMITS = ArchiveLimits(unpacked_bytes=MIB, entries=100)
TAR, GZIP, ZIP = "application/x-tar", "application/gzip", "application/zip"
FILES = {"a/inngest.json": b"{}", "a/b/c.bin": bytes(range(256)) * 20, "d/empty": b""}


def read(body: bytes, kind: str = TAR, limits: ArchiveLimits = LIMITS) -> dict[str, bytes]:
    return dict(READERS[kind](body, limits))


def faults(body: bytes, kind: str = TAR, limits: ArchiveLimits = LIMITS) -> list[str]:
    with pytest.raises(InvalidDefinition) as refused:
        read(body, kind, limits)
    return [str(fault) for fault in refused.value.faults]


def fault(body: bytes, kind: str = TAR, limits: ArchiveLimits = LIMITS) -> str:
    (one,) = faults(body, kind, limits)
    return one


@pytest.mark.parametrize("kind", PACKERS)
def test_what_was_packed_is_read(kind: str) -> None:
    assert read(PACKERS[kind](FILES), kind) == FILES


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars_of_every_form_are_read_long_and_odd_names_too(form: int) -> None:
    files = {"x/" * 20 + "deep.txt": b"1", ("long" * 30)[:99] + "/" + "y" * 90: b"2", "caf\u00e9/\u65e5\u672c.ts": b"3"}
    assert read(tar(files, form)) == files


@pytest.mark.parametrize("form", ["gnu", "pax", "ustar", "v7"])
def test_what_the_tar_program_writes_is_read(tmp_path: Path, form: str) -> None:
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    command = ["tar", "-cz", f"--format={form}", "-C", str(tmp_path), "."]
    packed = subprocess.run(command, check=True, capture_output=True).stdout
    assert read(packed, GZIP) == FILES


def test_what_git_archive_writes_is_read(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "inngest.json").write_text("{}")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    for form, kind in (("tar", TAR), ("tar.gz", GZIP), ("zip", ZIP)):
        packed = subprocess.run([*git, "archive", f"--format={form}", "HEAD"], check=True, capture_output=True).stdout
        assert read(packed, kind) == {"f/inngest.json": b"{}"}


def test_a_zip_that_is_not_compressed_is_read() -> None:
    assert read(zipped(FILES, zipfile.ZIP_STORED), ZIP) == FILES


def test_gzip_made_in_several_goes_is_read() -> None:
    body = tar(FILES)
    assert read(gzip.compress(body[:700]) + gzip.compress(body[700:]) + b"\0" * 100, GZIP) == FILES


def test_what_tar_writes_of_the_folder_itself_is_read() -> None:
    body = tar_of(entry("./", tarfile.DIRTYPE), entry("./a", tarfile.DIRTYPE), (entry("./a/x", size=1), b"1"))
    assert read(body) == {"a/x": b"1"}


def test_dot_files_and_installed_packages_are_ignored_whatever_they_are() -> None:
    body = tar_of(
        (entry("f/.env", size=6), b"SECRET"),
        (entry(".git/config", size=1), b"x"),
        entry("f/node_modules/.bin/tsc", tarfile.SYMTYPE, linkname="../x"),
        (entry("f/__pycache__/x.pyc", size=1), b"x"),
        (entry("f/kept", size=1), b"k"),
    )
    assert read(body) == {"f/kept": b"k"}
    assert read(zipped({"f/.env": "SECRET", "f/node_modules/a": "x", "f/kept": b"k"}), ZIP) == {"f/kept": b"k"}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/etc/passwd", "absolute"),
        ("//a", "absolute"),
        ("../a", ".."),
        ("a/../../b", ".."),
        ("a/..", ".."),
        ("..", ".."),
        ("a\\b", "backslash"),
        ("..\\a", "backslash"),
        ("C:/a", "absolute"),
        ("c:a", "absolute"),
        ("a//b", "plain path"),
        ("a/./b", "plain path"),
        ("a\nb", "control"),
        ("a\x7f", "control"),
        ("a\u202eb", "control"),
        ("a/" * 40 + "b", "deep"),
        ("a" * 2_000, "longer"),
    ],
)
@pytest.mark.parametrize("kind", [TAR, ZIP])
def test_a_path_that_leads_elsewhere_is_refused_by_name(path: str, why: str, kind: str) -> None:
    told = fault(PACKERS[kind]({path: b"x"}), kind)
    assert why in told
    assert told.isprintable()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("f/a:b", "colon"),
        ("f/nul", "device"),
        ("f/aux.ts", "device"),
        ("f/Com1.tar.gz/a", "device"),
        ("f/lpt\xb2", "device"),
        ("f/con .ts", "device"),
        ("f/a.", "dot or a space"),
        ("f/b /a", "dot or a space"),
    ],
)
@pytest.mark.parametrize("kind", [TAR, ZIP])
def test_a_name_that_windows_reads_otherwise_is_refused(path: str, why: str, kind: str) -> None:
    assert why in fault(PACKERS[kind]({path: b"x"}), kind)
    assert read(PACKERS[kind]({f"node_modules/{path}": b"x", "f/kept": b"1"}), kind) == {"f/kept": b"1"}


def test_names_that_only_begin_like_those_are_read() -> None:
    files = dict.fromkeys(("f/console.ts", "f/com.ts", "f/com10", "f/null", "f/a.aux", "f/[id].ts", "f/a b"), b"1")
    assert read(tar(files)) == files


@pytest.mark.parametrize("name", [b".", b"./."])
def test_a_file_in_the_place_of_the_folder_itself_is_refused(name: bytes) -> None:
    size = b"%d path=%s\n" % (8 + len(name) + (1 if len(name) > 1 else 0), name)
    assert "plain path" in fault(
        tar_of((entry("h", tarfile.XHDTYPE, size=len(size)), size), (entry("a", size=1), b"1"))
    )
    assert "plain path" in fault(zipped({name.decode(): b"1"}), ZIP)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, b"V"])
def test_headers_without_end_are_refused_at_once(kind: bytes) -> None:
    body = entry("h", kind).tobuf(tarfile.GNU_FORMAT) * 250_000 + b"\0" * 1_024
    begun = time.monotonic()
    assert "for 0 entries" in fault(body, limits=ArchiveLimits(128 * MIB, 10_000))
    assert time.monotonic() - begun < 2


def test_some_extended_headers_for_each_entry_are_read() -> None:
    headers = [entry("h", tarfile.XHDTYPE)] * 3
    body = tar_of(*(one for number in range(2_000) for one in (*headers, entry(f"f/{number}"))))
    assert len(read(body, limits=ArchiveLimits(8 * MIB, 2_000))) == 2_000


def test_a_name_with_a_nul_is_refused() -> None:
    assert "control characters" in fault(_pax(b"path", b"a\0b"))
    assert "control characters" in fault(zipped({"aXb": b"1"}).replace(b"aXb", b"a\0b"), ZIP)


def test_a_name_that_is_not_utf_8_is_refused() -> None:
    assert "not UTF-8" in fault(tar_of((entry("a\udcff", size=1), b"1")))
    assert "not UTF-8" in fault(_pax(b"path", b"a\xffb"))
    assert "not UTF-8" in fault(zipped({"aXb": b"1"}).replace(b"aXb", b"a\xffb"), ZIP)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (tarfile.SYMTYPE, "symbolic link"),
        (tarfile.LNKTYPE, "hard link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "pipe"),
    ],
)
def test_what_is_no_plain_file_is_refused_all_at_once(kind: bytes, why: str) -> None:
    told = faults(tar_of(entry("one", kind, linkname="/etc/passwd"), (entry("fine", size=1), b"1"), entry("two", kind)))
    assert [one.partition(":")[0] for one in told] == ["one", "two"]
    assert all(why in one for one in told)


@pytest.mark.parametrize(
    ("mode", "why"), [(0o120777, "symbolic link"), (0o020600, "not a file"), (0o010600, "not a f")]
)
def test_what_is_no_plain_file_in_a_zip_is_refused(mode: int, why: str) -> None:
    info = zipfile.ZipInfo("odd")
    info.external_attr = mode << 16
    assert fault(zip_of((info, b"/etc/passwd")), ZIP).startswith(f"odd: is {'a ' if 'link' in why else ''}{why}")


@pytest.mark.parametrize("kind", [b"D", b"M", b"Z"])
def test_entries_of_other_kinds_are_refused(kind: bytes) -> None:
    assert "not read" in fault(tar_of(entry("odd", kind)))


def test_sparse_files_are_refused() -> None:
    assert "sparse" in fault(_pax(b"GNU.sparse.major", b"1"))


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("f/a", "f/a", "twice"),
        ("f/a", "f/A", "also there as"),
        ("f/a", "F/b", "also there as"),
        ("f/\u00e9", "f/e\u0301", "also there as"),
        ("f/stra\u00dfe", "f/STRASSE", "also there as"),
        ("f", "f/a", "a file and a folder"),
        ("f/a", "f", "a file and a folder"),
    ],
)
@pytest.mark.parametrize("kind", [TAR, ZIP])
def test_two_entries_that_may_be_one_file_are_refused(first: str, second: str, why: str, kind: str) -> None:
    by_tar = tar_of((entry(first, size=1), b"1"), (entry(second, size=1), b"2"))
    by_zip = _zip_by_hand([(first.encode(), b"1"), (second.encode(), b"2")])
    assert why in fault(by_tar if kind == TAR else by_zip, kind)


def test_archives_that_are_cut_off_are_refused_wherever_that_is() -> None:
    for kind, pack in PACKERS.items():
        body = pack(FILES)
        end = len(body.rstrip(b"\0")) if kind == TAR else len(body)
        for length in range(0, end, 53):
            assert faults(body[:length], kind)


@pytest.mark.parametrize("kind", PACKERS)
def test_something_behind_the_archive_is_refused(kind: str) -> None:
    assert "behind" in fault(PACKERS[kind](FILES) + b"x", kind)


def test_something_behind_the_end_of_a_tar_inside_gzip_is_refused() -> None:
    assert "behind" in fault(gzip.compress(tar(FILES) + tar(FILES)), GZIP)


def test_a_broken_header_is_not_taken_for_the_end() -> None:
    body = bytearray(tar({"a": b"1", "b": b"2"}))
    body[1024 + 3] ^= 1
    assert "no header" in fault(bytes(body))


def test_a_changed_byte_of_a_compressed_file_is_noticed() -> None:
    for kind in (GZIP, ZIP):
        body = bytearray(PACKERS[kind]({"a": random.Random(1).randbytes(5_000)}))
        body[2_000] ^= 1
        assert "broken" in fault(bytes(body), kind) or "size" in fault(bytes(body), kind)


def test_an_archive_of_another_kind_is_refused() -> None:
    for kind in PACKERS:
        for other, pack in PACKERS.items():
            if kind != other:
                assert faults(pack(FILES), kind)
        for body in (b"", b"x", b"\0" * 511, b"hello" * 1_000):
            assert faults(body, kind)


# Bombs


def test_a_gzip_bomb_is_not_unpacked() -> None:
    bomb = _gzip_of_zeros(300 * MIB)
    assert len(bomb) < MIB
    for body in (bomb, gzip.compress(tar_of((entry("big", size=300 * MIB), b""))[:512]) + bomb):
        told, peak, seconds = _measured(partial(fault, body, GZIP))
        assert "broken" in told or "DEPLOY_MAX_UNPACKED_BYTES" in told or "behind" in told
        assert peak < 8 * MIB
        assert seconds < 5


def test_a_zip_bomb_is_not_unpacked_whatever_size_it_says() -> None:
    zeros = zlib.compress(bytes(50 * MIB), 6)[2:-4]
    for said in (10, 50 * MIB, 0xFFFFFFFE):
        body = _zip_by_hand([(b"bomb", zeros)], method=8, size=said)
        told, peak, _ = _measured(partial(fault, body, ZIP))
        assert "DEPLOY_MAX_UNPACKED_BYTES" in told
        assert peak < 8 * MIB


def test_zip_entries_that_lie_over_each_other_are_refused() -> None:
    body = _zip_by_hand([(b"a", b"x" * 1_000)] * 2, same_data=True)
    assert "over each other" in fault(body, ZIP)


def test_a_zip_that_says_less_than_there_is_is_refused() -> None:
    body = _zip_by_hand([(b"a", zlib.compress(b"x" * 1_000)[2:-4])], method=8, size=10)
    assert fault(body, ZIP).startswith("a: is broken")


def test_encrypted_zip_entries_are_refused() -> None:
    assert fault(_zip_by_hand([(b"a", b"x")], flags=1), ZIP) == "a: is encrypted"


def test_other_ways_of_compressing_are_refused_by_name() -> None:
    assert "(14)" in fault(zipped({"a": b"x"}, zipfile.ZIP_LZMA), ZIP)
    assert "(12)" in fault(zipped({"a": b"x"}, zipfile.ZIP_BZIP2), ZIP)


def test_an_entry_of_an_incredible_size_is_refused() -> None:
    for size in (8**11 - 1, 2**60):
        told, peak, _ = _measured(partial(fault, tar_of(entry("big", size=size))))
        assert "cut off" in told
        assert peak < 4 * MIB
    assert "below 0" in fault(tar_of(entry("big", size=-1_000)))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_an_extended_header_of_gigabytes_is_not_read(kind: bytes) -> None:
    body = gzip.compress(tar_of(entry("h", kind, size=4_000 * MIB))[:512]) + _gzip_of_zeros(20 * MIB)
    told, peak, seconds = _measured(partial(fault, body, GZIP))
    assert "extended header" in told
    assert peak < 4 * MIB
    assert seconds < 2


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"0 a=b\n",
        b"7 a=b\n",
        b"6 ab\n\n",
        b"5 a=b\n",
        b"-1 a=b\n",
        b"9999999999999 a=b\n",
        b"\xd9\xa3 a\n",
        b"6 a=b",
    ],
)
def test_broken_extended_headers_are_refused(data: bytes) -> None:
    assert "extended header" in fault(tar_of((entry("h", tarfile.XHDTYPE, size=len(data)), data), entry("a")))


def test_a_size_in_an_extended_header_holds() -> None:
    assert "broken" in fault(_pax(b"size", b"-5"))
    assert "cut off" in fault(_pax(b"size", b"9" * 18))
    data = b"10 size=3\n"
    body = tar_of((entry("h", tarfile.XHDTYPE, size=len(data)), data), (entry("a", size=0), b"123"))
    assert read(body) == {"a": b"123"}


def test_no_header_renames_every_entry() -> None:
    data = b"10 path=z\n"
    body = tar_of((entry("h", tarfile.XGLTYPE, size=len(data)), data), entry("a"), entry("b"))
    assert "all entries" in fault(body)
    comment = b"13 comment=x\n"  # as `git archive` writes it
    assert read(tar_of((entry("h", tarfile.XGLTYPE, size=13), comment), (entry("a", size=1), b"1"))) == {"a": b"1"}


@pytest.mark.parametrize("kind", PACKERS)
def test_too_many_entries_are_refused(kind: str) -> None:
    told = fault(PACKERS[kind]({f"f/{number}": b"" for number in range(101)}), kind)
    assert "more than 100 entries (DEPLOY_MAX_FILES)" in told


@pytest.mark.parametrize("kind", PACKERS)
def test_too_many_bytes_are_refused(kind: str) -> None:
    assert "larger than 1048576 bytes" in fault(PACKERS[kind]({"a": bytes(MIB), "b": b"1"}), kind)


def test_a_directory_of_many_entries_is_not_taken_in_whole() -> None:
    body = _zip_by_hand([(b"%05d" % number, b"") for number in range(20_000)])
    told, peak, _ = _measured(partial(fault, body, ZIP))
    assert "entries" in told
    assert peak < MIB


@pytest.mark.parametrize("kind", PACKERS)
def test_faults_are_many_but_not_without_end(kind: str) -> None:
    limits = ArchiveLimits(MIB, 10_000)
    told = faults(PACKERS[kind]({f"../{number}": b"" for number in range(1_000)}), kind, limits)
    assert len(told) == 101
    assert "900 more" in told[-1]


# Functions


def test_functions_are_the_folders_that_hold_a_definition_and_what_is_inside() -> None:
    files = {
        "README.md": b"",
        "shop/inngest.json": b"1",
        "shop/steps/a/index.ts": b"2",
        "shop/inner/inngest.json": b"3",
        "group/mail/inngest.yaml": b"4",
        "shopping/other.ts": b"5",
    }
    assert functions_in(files) == [
        ("group/mail", {"inngest.yaml": b"4"}),
        ("shop", {"inngest.json": b"1", "steps/a/index.ts": b"2", "inner/inngest.json": b"3"}),
    ]


def test_the_archive_itself_may_be_the_function() -> None:
    assert functions_in({"inngest.json": b"1", "a/b": b"2"}) == [("", {"inngest.json": b"1", "a/b": b"2"})]


# Whatever is sent


@hypothesis_settings(max_examples=800, deadline=2_000, suppress_health_check=list(HealthCheck))
@given(mangled() | st.tuples(st.sampled_from(list(PACKERS)), st.binary(max_size=3_000)))
def test_a_mangled_archive_is_read_or_refused_and_nothing_else(case: tuple[str, bytes]) -> None:
    kind, body = case
    with suppress(InvalidDefinition):
        assert sum(map(len, read(body, kind).values())) <= MIB


def _pax(key: bytes, value: bytes) -> bytes:
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(b"%d" % length + rest) != length:
        length += 1
    data = b"%d" % length + rest
    return tar_of((entry("h", tarfile.XHDTYPE, size=len(data)), data), (entry("a", size=0), b""))


def _gzip_of_zeros(size: int) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=6) as packed:
        for _ in range(size // MIB):
            packed.write(bytes(MIB))
    return buffer.getvalue()


def _zip_by_hand(
    entries: list[tuple[bytes, bytes]],
    *,
    method: int = 0,
    size: int | None = None,
    flags: int = 0,
    same_data: bool = False,
) -> bytes:
    """`size` is what is said of each; with `same_data` all entries of the directory are the first one."""
    body, directory = b"", b""
    for number, (name, data) in enumerate(entries):
        at = 0 if same_data else len(body)
        said = len(data) if size is None else size
        checksum = zlib.crc32(data) if method == 0 else 0
        common = struct.pack("<5H3L2H", 20, flags, method, 0, 0, checksum, len(data), said, len(name), 0)
        if not (same_data and number):
            body += b"PK\3\4" + common + name + data
        directory += b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<3H2L", 0, 0, 0, 0, at) + name
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), len(body), 0)
    return body + directory + end


def _measured(work: Callable[[], str]) -> tuple[str, int, float]:
    tracemalloc.start()
    begun = time.monotonic()
    try:
        result = work()
        return result, tracemalloc.get_traced_memory()[1], time.monotonic() - begun
    finally:
        tracemalloc.stop()
