from pathlib import Path

import pytest

from hfdeploy_core import load_plan, plan, save_plan
from hfdeploy_core.errors import PlanInvalid, SettingInvalid
from hfdeploy_core.testing import FakeHub


def test_a_saved_plan_is_its_owners_alone_and_the_same_when_loaded(hub: FakeHub, write, tmp_path) -> None:
    made = plan(write({"a": "1"}), "app", repo_type="model", hub=hub)
    file = tmp_path / "plan.json"
    file.write_text("an older one")
    file.chmod(0o644)
    save_plan(made, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_plan(file) == made
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.json", "source"]


def test_a_plan_is_not_saved_into_what_it_deploys(hub: FakeHub, write) -> None:
    root = write({"a": "1"})
    made = plan(root, "app", repo_type="model", hub=hub)
    with pytest.raises(SettingInvalid, match="part of the source"):
        save_plan(made, root / "sub" / ".." / "plan.json")
    save_plan(made, root / ".hfdeploy" / "plan.json")
    assert plan(root, "app", repo_type="model", hub=hub) == made


@pytest.mark.parametrize("name", ["nowhere/plan.json", "folder"])
def test_where_no_plan_can_be_saved(hub: FakeHub, write, tmp_path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    made = plan(write({"a": "1"}), "app", repo_type="model", hub=hub)
    with pytest.raises(SettingInvalid, match="cannot be saved"):
        save_plan(made, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "source"]


def test_what_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("missing", "binary", "."):
        with pytest.raises(PlanInvalid):
            load_plan(tmp_path / name)
