import pytest

from hfdeploy_core.model import CommitFiles, FileEntry, Plan, PutFile, RepoRef, RepoType
from hfdeploy_core.planning.guards import find_doubts


def plan(repo_type: RepoType, *paths: str) -> Plan:
    puts = tuple(PutFile(FileEntry(path, 1, "1" * 40, None), replaces=False) for path in paths)
    return Plan(RepoRef(repo_type, "alice", "app"), None, (CommitFiles(puts, (), "t"),))


@pytest.mark.parametrize("path", ["x.parquet", "a/b.arrow"])
def test_data_outside_of_a_dataset_is_doubtful(path: str) -> None:
    (told,) = find_doubts(plan(RepoType.MODEL, "a.py", path))
    assert path in told
    assert list(find_doubts(plan(RepoType.DATASET, path))) == []
    assert list(find_doubts(plan(RepoType.MODEL, "a.py"))) == []
