"""Which TCP ports a process and its descendants listen on. Linux reads /proc; elsewhere nobody knows."""

import contextlib
from collections import defaultdict
from pathlib import Path

_LISTENING = "0A"


def find_listening_ports(pid: int) -> frozenset[int] | None:
    """The ports that the tree below `pid` listens on; None where this cannot be found out."""
    if not Path("/proc/net/tcp").exists():
        return None
    by_inode = _ports_by_inode()
    sockets = {inode for member in _tree(pid) for inode in _socket_inodes(member)}
    return frozenset(by_inode[inode] for inode in sockets & by_inode.keys())


def _tree(pid: int) -> list[int]:
    children = defaultdict(list)
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            children[int(entry.read_text().rpartition(")")[2].split()[1])].append(int(entry.parent.name))
    tree = [pid]
    for member in tree:  # grows while it is walked
        tree += children[member]
    return tree


def _ports_by_inode() -> dict[str, int]:
    ports = {}
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with contextlib.suppress(OSError):
            for row in table.read_text().splitlines()[1:]:
                fields = row.split()
                if fields[3] == _LISTENING:
                    ports[fields[9]] = int(fields[1].rpartition(":")[2], 16)
    return ports


def _socket_inodes(pid: int) -> set[str]:
    inodes = set()
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(entry.readlink())
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
    return inodes
