import pytest

from hfdeploy_core.errors import SettingInvalid
from hfdeploy_core.model import Volume, VolumeType
from hfdeploy_core.planning.volumes import parse_volume


@pytest.mark.parametrize(
    ("text", "volume"),
    [
        ("hf://org/m:/data", Volume(VolumeType.MODEL, "org/m", "/data")),
        ("hf://datasets/org/ds:/data:ro", Volume(VolumeType.DATASET, "org/ds", "/data")),
        ("hf://datasets/org/ds@v1/a/b:/d", Volume(VolumeType.DATASET, "org/ds", "/d", "v1", True, "a/b")),
        ("hf://buckets/org/b:/mnt", Volume(VolumeType.BUCKET, "org/b", "/mnt", read_only=False)),
        ("hf://buckets/org/b/x:/mnt:ro", Volume(VolumeType.BUCKET, "org/b", "/mnt", None, True, "x")),
    ],
)
def test_volumes_are_written_as_for_hf(text: str, volume: Volume) -> None:
    assert parse_volume(text) == volume


@pytest.mark.parametrize("text", ["", "org/m:/data", "hf://m:/data", "hf://org/m:data", "hf://org/m"])
def test_what_is_no_volume_is_refused(text: str) -> None:
    with pytest.raises(SettingInvalid, match="is not a volume") as caught:
        parse_volume(text)
    assert "hf://" in caught.value.remedy


def test_only_a_bucket_can_be_written_to() -> None:
    with pytest.raises(SettingInvalid, match="cannot be written to"):
        parse_volume("hf://org/m:/data:rw")
