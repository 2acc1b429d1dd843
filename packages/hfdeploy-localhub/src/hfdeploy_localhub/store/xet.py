"""The small content store behind xet uploads: xorbs as they came, files rebuilt from what shards say.

A shard maps each file to chunks of xorbs. Once it arrives, its files are put together chunk by chunk into the
folder of large files, so that every way of reading finds them there.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hfdeploy_localhub.errors import BadRequest
from hfdeploy_localhub.model import LargeFile
from hfdeploy_localhub.store.large_files import LargeFiles
from hfdeploy_localhub.store.xet_formats import (
    MAX_XORB_BYTES,
    FileRecord,
    Segment,
    read_chunk,
    read_chunk_headers,
    read_files,
)


class XetStore:
    """Xorbs and shards of one hub."""

    def __init__(self, folder: Path, large_files: LargeFiles) -> None:
        self._folder = folder
        self._large_files = large_files
        folder.mkdir(exist_ok=True)

    def add_xorb(self, name: str, content: bytes) -> bool:
        """Keeps a xorb; False if it was there. Raises BadRequest if it cannot be read back later."""
        path = self._xorb_path(name)
        if path.exists():
            return False
        if not content or len(content) > MAX_XORB_BYTES:
            raise BadRequest(f"A xorb holds 1 to {MAX_XORB_BYTES} bytes, this one {len(content)}")
        if not read_chunk_headers(content):
            raise BadRequest("A xorb holds at least one chunk")
        path.parent.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(path)
        return True

    def add_shard(self, content: bytes) -> list[LargeFile]:
        """Rebuilds every file that the shard describes and checks it against its sha256.

        Raises BadRequest if the shard cannot be read, names a xorb that is not here, or the sum is wrong.
        """
        return [self._rebuild(record) for record in read_files(content)]

    def _rebuild(self, record: FileRecord) -> LargeFile:
        size = self._large_files.size(record.sha256)
        if size is not None:
            return LargeFile(record.sha256, size)
        with self._large_files.receive() as incoming:
            for segment in record.segments:
                for data in self._read(segment):
                    incoming.write(data)
            return incoming.keep(sha256=record.sha256)

    def _read(self, segment: Segment) -> Iterator[bytes]:
        try:
            content = self._xorb_path(segment.xorb).read_bytes()
        except FileNotFoundError:
            raise BadRequest(f"The shard names an unknown xorb: {segment.xorb}") from None
        headers = read_chunk_headers(content)
        if segment.end > len(headers):
            raise BadRequest(
                f"Xorb {segment.xorb} has {len(headers)} chunks, the shard asks for {segment.end}"
            )
        for header in headers[segment.first : segment.end]:
            yield read_chunk(content, header)

    def _xorb_path(self, name: str) -> Path:
        if len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise BadRequest(f"Not a xorb's hash: {name!r}")
        return self._folder / name[:2] / name
