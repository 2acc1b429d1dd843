"""The step `archive`: a folder in one file, the same bytes for the same files."""

import tarfile
import zipfile
from pathlib import Path

from hfdeploy_core.errors import StepFailed
from hfdeploy_core.manifest.steps import ArchiveFile
from hfdeploy_core.running.steps.context import StepContext
from hfdeploy_core.source.ignore import is_deployed

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


def archive(asked: ArchiveFile, context: StepContext) -> None:
    """Pack what would be deployed of the folder. Raises StepFailed where that cannot be."""
    source, target = context.folder / asked.source, context.folder / asked.to
    if not source.is_dir():
        raise StepFailed(f"{asked.source} is not a folder.", "Name the folder to pack.")
    places = {path.relative_to(source).as_posix(): path for path in sorted(source.rglob("*"))}
    files = {
        name: path
        for name, path in places.items()
        if path.is_file() and not path.is_symlink() and is_deployed(name) and path != target
    }
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        (_zip if asked.to.endswith(".zip") else _tar)(files, target)
    except OSError as error:
        raise StepFailed(
            f"{asked.to} cannot be written: {error.strerror or error}.", "Check the folder."
        ) from error
    noun = "file" if len(files) == 1 else "files"
    context.tell(f"{asked.to} holds {len(files):,} {noun} of {asked.source}")


def _zip(files: dict[str, Path], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, path in files.items():
            # No times and owners: what is unchanged shall look so.
            packed.writestr(zipfile.ZipInfo(name, _FIRST_DAY), path.read_bytes(), zipfile.ZIP_DEFLATED)


def _tar(files: dict[str, Path], target: Path) -> None:
    with tarfile.open(target, "w:gz" if target.name.endswith(".gz") else "w") as packed:
        for name, path in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            with path.open("rb") as content:
                packed.addfile(entry, content)
