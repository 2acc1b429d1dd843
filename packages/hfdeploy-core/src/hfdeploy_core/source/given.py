"""Files that nobody has in a folder: laid out for as long as they are deployed."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def lay_out(files: Mapping[str, bytes]) -> Iterator[Path]:
    """A folder of one's own that holds the files, by path; it goes when it is left."""
    with tempfile.TemporaryDirectory(prefix="hfdeploy-") as folder:
        root = Path(folder)
        for path, content in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        yield root
