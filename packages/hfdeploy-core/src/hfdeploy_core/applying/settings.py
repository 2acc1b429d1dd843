"""Settings, one request each: all of them can be repeated without harm."""

from collections.abc import Mapping

from hfdeploy_core.errors import RepoNotFound
from hfdeploy_core.events import SettingChanged, SettingRemoved, VisibilityChanged
from hfdeploy_core.hub.port import Hub
from hfdeploy_core.model import (
    RemoveSecret,
    RemoveVariable,
    RepoRef,
    SetGated,
    SetHardware,
    SetSecret,
    SetSleep,
    Setting,
    SetUpstream,
    SetVariable,
    SetVisibility,
    SetVolumes,
)
from hfdeploy_core.planning.relay import ADDRESS


def change_setting(
    change: Setting, hub: Hub, repo: RepoRef, secrets: Mapping[str, str]
) -> VisibilityChanged | SettingChanged | SettingRemoved:
    """Make one change, and say what was changed."""
    match change:
        case SetVisibility(visibility=visibility):
            hub.set_visibility(repo, visibility)
            return VisibilityChanged(repo.id, visibility)
        case SetGated(gated=gated):
            hub.set_gated(repo, gated)
            return SettingChanged(repo.id, "gated", gated)
        case SetHardware(hardware=hardware):
            hub.set_hardware(repo, hardware)
            return SettingChanged(repo.id, "hardware", hardware)
        case SetSleep(sleep_seconds=seconds):
            hub.set_sleep(repo, seconds)
            return SettingChanged(repo.id, "sleep time", str(seconds))
        case SetVolumes(volumes=volumes):
            hub.set_volumes(repo, volumes)
            mounted = ", ".join(volume.mount_path for volume in volumes)
            return SettingChanged(repo.id, "volumes", mounted or "none")
        case SetVariable(name=name, value=value):
            hub.set_variable(repo, name, value)
            return SettingChanged(repo.id, f"variable {name}", value)
        case RemoveVariable(name=name):
            hub.remove_variable(repo, name)
            return SettingRemoved(repo.id, f"variable {name}")
        case RemoveSecret(name=name):
            hub.remove_secret(repo, name)
            return SettingRemoved(repo.id, f"secret {name}")
        case SetUpstream(upstream=upstream):
            address = _find_address(hub, upstream)
            hub.set_variable(repo, ADDRESS, address)
            return SettingChanged(repo.id, f"variable {ADDRESS}", address)
        case SetSecret(name=name):
            hub.set_secret(repo, name, secrets[name])
            return SettingChanged(repo.id, f"secret {name}", None)


def _find_address(hub: Hub, upstream: RepoRef) -> str:
    info = hub.find_repo(upstream)
    if info is None or not info.app_url:
        raise RepoNotFound(f"The Hub does not tell the address of {upstream}.")
    return info.app_url
