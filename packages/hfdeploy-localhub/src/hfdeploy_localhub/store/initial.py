"""What a repo holds when it is new (pure)."""

from hfdeploy_localhub.model import GitType, Sdk

_LARGE_SUFFIXES = [
    "7z",
    "arrow",
    "avro",
    "bin",
    "bz2",
    "ckpt",
    "ftz",
    "gz",
    "h5",
    "joblib",
    "lz4",
    "mlmodel",
    "model",
    "msgpack",
    "npy",
    "npz",
    "onnx",
    "ot",
    "parquet",
    "pb",
    "pickle",
    "pkl",
    "pt",
    "pth",
    "rar",
    "safetensors",
    "tar",
    "tflite",
    "tgz",
    "wasm",
    "xz",
    "zip",
    "zst",
]
_LARGE_DATASET_SUFFIXES = [
    "aac",
    "bmp",
    "flac",
    "gif",
    "jpeg",
    "jpg",
    "mp3",
    "mp4",
    "ogg",
    "pcm",
    "png",
    "raw",
    "sam",
    "tiff",
    "wav",
    "webm",
    "webp",
]
_LARGE = "filter=lfs diff=lfs merge=lfs -text"


def plan_initial_files(type: GitType, name: str, sdk: Sdk | None) -> dict[str, bytes]:
    """Path -> content of the first commit: ``.gitattributes``, and for a Space a card that names its sdk."""
    suffixes = _LARGE_SUFFIXES + (_LARGE_DATASET_SUFFIXES if type == "dataset" else [])
    patterns = [f"*.{suffix}" for suffix in suffixes] + ["saved_model/**/*", "*.tar.*", "*tfevents*"]
    attributes = "".join(f"{pattern} {_LARGE}\n" for pattern in sorted(patterns))
    files = {".gitattributes": attributes.encode()}
    if type == "space":
        files["README.md"] = f"---\ntitle: {name}\nsdk: {sdk}\npinned: false\n---\n".encode()
    return files
