"""Volumes as they are written on a command line: the words are those of the `hf` command."""

import re

from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.model import Volume, VolumeType

_TYPES = {f"{kind}s": kind for kind in VolumeType}
_VOLUME = re.compile(
    r"hf://(?:(?P<type>models|datasets|spaces|buckets)/)?(?P<source>[^/:@\s]+/[^/:@\s]+)"
    r"(?:@(?P<revision>[^/:\s]+))?(?:/(?P<path>[^:\s]+))?:(?P<mount>/[^:\s]*)(?::(?P<mode>ro|rw))?"
)


def parse_volume(text: str) -> Volume:
    """Read `hf://[TYPE/]NAMESPACE/NAME[@REVISION][/PATH]:/MOUNT_PATH[:ro|:rw]`. Raises SettingInvalid."""
    found = _VOLUME.fullmatch(text)
    if found is None:
        raise SettingInvalid(
            f"{text!r} is not a volume.",
            "Write hf://[models/|datasets/|spaces/|buckets/]NAMESPACE/NAME:/MOUNT_PATH[:ro|:rw].",
        )
    kind = _TYPES[found["type"] or "models"]
    if kind is not VolumeType.BUCKET and found["mode"] == "rw":
        raise SettingInvalid(f"{text!r} cannot be written to: only a bucket can.", "Drop :rw.")
    is_read_only = kind is not VolumeType.BUCKET or found["mode"] == "ro"
    path = (found["path"] or "").strip("/") or None
    return Volume(kind, found["source"], found["mount"], found["revision"], is_read_only, path)
