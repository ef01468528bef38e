"""Archives as other people's programs make them: what is no part of a function is no reason to refuse it."""

import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from apps.core_api.archive_contents import ArchiveLimits
from tests.core_api.archiving import PACKERS, entry, tar_of, zip_of, zipped
from tests.core_api.test_archives import GZIP, LIMITS, MIB, ZIP, fault, faults, read

DOS, UNIX, NTFS = 0, 3, 10


def zip_from(system: int, files: dict[str, bytes]) -> bytes:
    infos = []
    for path, content in files.items():
        info = zipfile.ZipInfo("x")
        # Set afterwards: zipfile mends backslashes.
        info.filename, info.create_system = path, system
        infos.append((info, content))
    return zip_of(*infos)


def entries(*paths: str, **others: bytes) -> bytes:
    """A tar of files, and of entries of other types."""
    plain = [(entry(path, size=1), b"1") for path in paths]
    return tar_of(*plain, *(entry(path, kind, linkname="x") for path, kind in others.items()))


# From Windows


@pytest.mark.parametrize("system", [DOS, NTFS])
def test_backslashes_of_windows_divide_folders(system: int) -> None:
    files = {"shop\\": b"", "shop\\inngest.json": b"{}", "shop\\steps\\a.ts": b"1"}
    assert read(zip_from(system, files), ZIP) == {"shop/inngest.json": b"{}", "shop/steps/a.ts": b"1"}


def test_backslashes_elsewhere_are_refused() -> None:
    assert "backslash" in fault(zip_from(UNIX, {"shop\\a": b""}), ZIP)
    assert "backslash" in fault(zip_from(DOS, {"shop/a\\b": b""}), ZIP)


@pytest.mark.parametrize("path", ["..\\a", "a\\..\\..\\b", "\\a", "C:\\a", "a\\\\b"])
def test_a_path_of_windows_that_leads_elsewhere_is_refused(path: str) -> None:
    assert "backslash" not in fault(zip_from(DOS, {path: b"1"}), ZIP)


def test_names_in_the_old_code_page_of_windows_are_read() -> None:
    body = zip_from(DOS, {"shop/gr__e.txt": b"1"}).replace(b"gr__e", b"gr\x94\xe1e")
    assert read(body, ZIP) == {"shop/größe.txt": b"1"}


def test_names_that_another_code_page_would_read_otherwise_are_refused_with_what_to_do() -> None:
    for system, name in ((DOS, b"\x8f\xe0\xa8"), (UNIX, b"gr\x94\xe1")):
        told = fault(zip_from(system, {"f/xxx": b"1"}).replace(b"f/xxx", b"f/" + (name + b"abc")[:3]), ZIP)
        assert "not UTF-8" in told
        assert "tar" in told


# What is ignored


@pytest.mark.parametrize(
    "path",
    [".git/a\x01b", ".git/" + "x/" * 40 + "x", ".git/C:/a\\b", "__MACOSX/f/._x", "f/Icon\r", "node_modules/\udcff/x"],
)
def test_what_is_ignored_is_not_looked_at(path: str) -> None:
    assert read(tar_of((entry(path, size=1), b"x"), (entry("f/kept", size=1), b"1"))) == {"f/kept": b"1"}
    if path.isascii():
        assert read(zipped({path: b"x", "f/kept": b"1"}), ZIP) == {"f/kept": b"1"}


def test_a_dot_name_that_leads_elsewhere_is_not_ignored() -> None:
    for path in ("..", "../a", "..\\a", "f/../../a"):
        assert faults(entries(path))


@pytest.mark.parametrize("kind", PACKERS)
def test_installed_packages_do_not_count_as_entries_but_are_not_without_end(kind: str) -> None:
    packages = {f"f/node_modules/{number}": b"" for number in range(2_001)}
    limits = ArchiveLimits(8 * MIB, LIMITS.entries)
    kept = dict(list(packages.items())[:2_000]) | {"f/kept": b"1"}
    assert read(PACKERS[kind](kept), kind, limits) == {"f/kept": b"1"}
    told = fault(PACKERS[kind](packages), kind, limits)
    assert "more than 2000" in told
    assert "node_modules" in told


# What lies outside of all functions


def test_links_and_odd_names_outside_of_all_functions_are_left_out() -> None:
    body = entries("shop/inngest.json", "odd\nname", "Readme", README=tarfile.SYMTYPE, device=tarfile.CHRTYPE)
    assert read(body)["shop/inngest.json"] == b"1"


@pytest.mark.parametrize("path", ["shop", "shop/a/b", "Shop/a", "group", "group/mail/x"])
def test_links_at_or_in_a_function_are_refused(path: str) -> None:
    told = faults(entries("shop/inngest.json", "group/mail/inngest.yaml", **{path: tarfile.SYMTYPE}))
    assert all("link" in one or "also there" in one or "file and a folder" in one for one in told)


def test_a_function_whose_definition_is_refused_is_not_left_out() -> None:
    assert "link" in fault(entries("shop/inngest.json", **{"mail/inngest.json": tarfile.SYMTYPE}))
    assert "also there" in fault(entries("Mail/x", "shop/inngest.json", "mail/inngest.json"))


@pytest.mark.parametrize("path", ["/etc/passwd", "../a", "x/../shop/a", "C:/a", "x//a"])
def test_what_leads_elsewhere_is_refused_wherever_it_is(path: str) -> None:
    assert len(faults(entries("shop/inngest.json", path))) == 1


def test_faults_outside_do_not_hide_those_inside() -> None:
    links = {f"link{number}": tarfile.SYMTYPE for number in range(500)}
    body = entries("shop/inngest.json", **links, **{"shop/x": tarfile.SYMTYPE})
    assert fault(body, limits=ArchiveLimits(MIB, 1_000)).startswith("shop/x: is a symbolic link")


def test_a_file_outside_that_is_broken_is_refused_as_the_archive_is() -> None:
    body = zipped({"shop/inngest.json": b"{}", "data": b"x" * 50}, zipfile.ZIP_STORED)
    assert fault(body.replace(b"x" * 50, b"y" * 50), ZIP).startswith("data: is broken")


# What tar makes of more than plain files


def made_by_tar(folder: Path, *options: str) -> bytes:
    return subprocess.run(["tar", "-cz", *options, "-C", str(folder), "."], check=True, capture_output=True).stdout


def test_a_file_with_two_names_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    os.link(tmp_path / "a", tmp_path / "b")
    assert "--hard-dereference" in fault(made_by_tar(tmp_path), GZIP)
    assert read(made_by_tar(tmp_path, "--hard-dereference"), GZIP) == {"a": b"1", "b": b"1"}


@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_labels_are_passed_over(tmp_path: Path, form: str) -> None:
    (tmp_path / "a").write_text("1")
    assert read(made_by_tar(tmp_path, "-V", "label", f"--format={form}"), GZIP) == {"a": b"1"}


@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_a_sparse_file_is_refused_with_what_to_do(tmp_path: Path, form: str) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(MIB)
    assert "without --sparse" in fault(made_by_tar(tmp_path, "-S", f"--format={form}"), GZIP)
