"""The hashes that name things in xet (pure): chunks, xorbs, files, and the proof of having chunks.

Hashes are 32 raw bytes here, all of them keyed BLAKE3; ``format_hash`` writes them as text.
"""

from collections.abc import Iterable, Sequence

from blake3 import blake3

Chunk = tuple[bytes, int]
"""A chunk's hash and its length in bytes, both of its plain content."""

CHUNK_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
_NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
_PROOF_KEY = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")
_FILE_KEY = bytes(32)
_MEAN_CHILDREN = 4
_MAX_CHILDREN = 2 * _MEAN_CHILDREN + 1


def hash_chunk(plain: bytes) -> bytes:
    return _digest(CHUNK_KEY, plain)


def hash_xorb(chunks: Iterable[Chunk]) -> bytes:
    """The name of a xorb that holds these chunks, one at least: the root of a tree over them."""
    nodes = list(chunks)
    while len(nodes) > 1:
        nodes = list(_merge_level(nodes))
    return nodes[0][0]


def hash_file(chunks: Iterable[Chunk]) -> bytes:
    """The name of a file that these chunks make up; that of an empty file is all zeros."""
    nodes = list(chunks)
    return _digest(_FILE_KEY, hash_xorb(nodes)) if nodes else bytes(32)


def prove_chunks(hashes: Iterable[bytes]) -> bytes:
    """What only those can tell who have the chunks: neither a xorb's name nor a file's gives it away."""
    return _digest(_PROOF_KEY, b"".join(hashes))


def format_hash(raw: bytes) -> str:
    """A hash in xet's hex form: each group of eight bytes is reversed."""
    return "".join(raw[at : at + 8][::-1].hex() for at in range(0, 32, 8))


def _merge_level(nodes: Sequence[Chunk]) -> Iterable[Chunk]:
    start = 0
    while start < len(nodes):
        end = _find_cut(nodes, start)
        text = "".join(f"{format_hash(name)} : {size}\n" for name, size in nodes[start:end])
        yield _digest(_NODE_KEY, text.encode()), sum(size for _, size in nodes[start:end])
        start = end


def _find_cut(nodes: Sequence[Chunk], start: int) -> int:
    """Where a group of siblings ends: the hashes themselves decide, so that equal runs make equal nodes."""
    most = min(start + _MAX_CHILDREN, len(nodes))
    for position in range(start + 2, most):
        last_word = nodes[position][0][24:]
        if int.from_bytes(last_word, "little") % _MEAN_CHILDREN == 0:
            return position + 1
    return most


def _digest(key: bytes, content: bytes) -> bytes:
    return blake3(content, key=key).digest()
