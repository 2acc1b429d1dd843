"""What is never deployed, whatever the user asks: pure rules over one path at a time."""

from hfdeploy_core.errors import PathInvalid

# Of no use to a reader of the repo, and left out without a word.
_SILENT = {".git", ".hfdeploy", "__pycache__", ".DS_Store"}
_HARMLESS_ENV = (".example", ".sample", ".template", ".dist")


def decide_skip(path: str) -> str | None:
    """Why a relative path is left out: a reason, "" for one not worth telling, None to keep it."""
    name = path.rpartition("/")[2]
    if name in _SILENT or name.lower() == ".git":
        return ""
    if name == ".cache":
        # huggingface_hub refuses any path with such a part.
        return "the Hub's client takes no .cache folders"
    if name.startswith(".env") and not name.endswith(_HARMLESS_ENV):
        return "files like this hold secrets"
    return None


def is_deployed(path: str) -> bool:
    """Whether neither a file nor a folder that it lies in is left out."""
    return all(decide_skip(name) is None for name in path.split("/"))


def check_path(path: str) -> None:
    """Raise PathInvalid where git or the Hub would refuse the name of a file."""
    if path.isascii() and path.isprintable() and "\\" not in path:
        return
    try:
        path.encode()
    except UnicodeEncodeError:
        raise PathInvalid(f"The name of the file {path!r} is not valid UTF-8.") from None
    if "\\" in path:
        raise PathInvalid(f"The Hub refuses file names with a backslash: {path!r}.")
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise PathInvalid(f"The Hub refuses file names with control characters: {path!r}.")
