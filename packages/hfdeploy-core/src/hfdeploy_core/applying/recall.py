"""Reads from the Hub what it takes to go back to an earlier commit."""

from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import CommitInfo, Plan, Remote, RepoInfo
from hfdeploy_core.planning.rollback import Recalled, plan_rollback
from hfdeploy_core.planning.settings import plan_settings


def read_rollback(hub: Hub, info: RepoInfo, earlier: CommitInfo, recalled: Recalled) -> Plan:
    """The plan that gives a repo the files of an earlier commit, and the settings that are recalled."""
    target = recalled.target
    variables = hub.list_variables(info.repo) if target.names_environment else ()
    remote = Remote(info, hub.list_files(info.repo, info.head), variables=variables)
    hardware = hub.list_hardware() if target.hardware not in (None, info.hardware) else ()
    settings = plan_settings(target, remote, sdk=None, hardware=hardware)
    return plan_rollback(earlier, hub.list_files(info.repo, earlier.id), remote, settings, target)
