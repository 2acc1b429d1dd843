from pathlib import Path

import pytest
from hf_xet import hash_files
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy_localhub.store.xet_hashes import format_hash, hash_chunk, hash_file, hash_xorb, prove_chunks

chunks = st.lists(
    st.tuples(st.binary(min_size=32, max_size=32), st.integers(1, 2**17)), min_size=1, max_size=99
)


def test_a_hash_is_written_in_reversed_groups() -> None:
    assert format_hash(bytes(range(32)))[:32] == "07060504030201000f0e0d0c0b0a0908"


@pytest.mark.parametrize("content", [b"x", b"hello" * 200, bytes(5000)])
def test_a_small_file_is_named_as_the_client_names_it(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(content)
    (named,) = hash_files([str(file)])
    assert format_hash(hash_file([(hash_chunk(content), len(content))])) == named.hash


def test_zeros_are_cut_into_largest_chunks_and_named_as_the_client_names_them(tmp_path: Path) -> None:
    file, most = tmp_path / "f", 128 * 1024
    file.write_bytes(bytes(50 * most))
    (named,) = hash_files([str(file)])
    assert format_hash(hash_file([(hash_chunk(bytes(most)), most)] * 50)) == named.hash


@given(chunks, st.data())
def test_every_chunk_counts(nodes: list[tuple[bytes, int]], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(nodes) - 1))
    other = [*nodes]
    other[at] = (bytes(32), nodes[at][1])
    if other != nodes:
        assert hash_xorb(other) != hash_xorb(nodes)
        assert prove_chunks(name for name, _ in other) != prove_chunks(name for name, _ in nodes)


@given(chunks)
def test_a_file_and_a_xorb_of_the_same_chunks_have_different_names(nodes: list[tuple[bytes, int]]) -> None:
    assert len({hash_xorb(nodes), hash_file(nodes), prove_chunks(name for name, _ in nodes)}) == 3
