"""Xorbs and shards made by hand, for tests that a real client would never let happen."""

import hashlib
import struct
from collections.abc import Sequence

import lz4.frame

from hfdeploy_localhub.store.xet_hashes import format_hash, hash_chunk, hash_file, hash_xorb, prove_chunks


def group(plain: bytes) -> bytes:
    return b"".join(plain[position::4] for position in range(4))


def pack(plain: bytes, scheme: int = 0) -> bytes:
    """A chunk as it lies in a xorb."""
    stored = {
        0: lambda: plain,
        1: lambda: lz4.frame.compress(plain),
        2: lambda: lz4.frame.compress(group(plain)),
    }
    data = stored[scheme]()
    return b"\0" + len(data).to_bytes(3, "little") + bytes([scheme]) + len(plain).to_bytes(3, "little") + data


def name_chunks(chunks: Sequence[bytes]) -> list[tuple[bytes, int]]:
    return [(hash_chunk(chunk), len(chunk)) for chunk in chunks]


def name_xorb(chunks: Sequence[bytes]) -> str:
    return format_hash(hash_xorb(name_chunks(chunks)))


def name_file(chunks: Sequence[bytes]) -> str:
    return format_hash(hash_file(name_chunks(chunks)))


def raw(name: str) -> bytes:
    """The bytes that ``format_hash`` wrote."""
    return b"".join(bytes.fromhex(name[at : at + 16])[::-1] for at in range(0, 64, 16))


def record(name: bytes, *numbers: int) -> bytes:
    return struct.pack("<32s4I", name, *numbers, *[0] * (4 - len(numbers)))


def make_shard(
    chunks: Sequence[bytes],
    *,
    xorb: str | None = None,
    proof: bytes | None = None,
    sha256: str | None = None,
    file_hash: str | None = None,
    size: int | None = None,
    end: int | None = None,
    flags: int = 3 << 30,
) -> bytes:
    """A shard of one file that is one whole xorb; what is given by name is told instead of the truth.

    ``flags`` say what it tells: proofs (bit 31), the sha256 (bit 30).
    """
    content = b"".join(chunks)
    told = sha256 or hashlib.sha256(content).hexdigest()
    return b"".join(
        [
            bytes(48),
            record(raw(file_hash or name_file(chunks)), flags, 1),
            record(
                raw(xorb or name_xorb(chunks)),
                0,
                len(content) if size is None else size,
                0,
                len(chunks) if end is None else end,
            ),
            *(
                [record(proof or prove_chunks(name for name, _ in name_chunks(chunks)))]
                if flags >> 31
                else []
            ),
            *([record(raw(told))] if flags >> 30 & 1 else []),
            record(b"\xff" * 32),
        ]
    )
