"""A new function's folder: all of it, or nothing."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from apps.cli.printing import one_line
from apps.cli.problems import Problem


def require_free(folder: Path) -> None:
    """Raises Problem if something is there that would have to give way."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        what = "is not empty" if folder.is_dir() else "is there already"
        raise Problem(f"{one_line(str(folder))} {what}", "name another folder: inngest init DIR")


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes the files, by path within the folder. If it fails or is interrupted, what it has made is taken away.

    Raises Problem, also if something is there.
    """
    require_free(folder)
    made: list[Path] = []
    try:
        for path, content in files.items():
            target = folder / path
            made += _make_folders(target.parent)
            with target.open("xb") as file:
                made.append(target)
                file.write(content)
    except OSError as error:
        _take_away(made)
        raise Problem(f"{one_line(str(error.filename or folder))} cannot be written: {error.strerror}") from None
    except BaseException:
        _take_away(made)
        raise


def _make_folders(folder: Path) -> list[Path]:
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
    return missing[::-1]


def _take_away(made: list[Path]) -> None:
    for path in reversed(made):
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
