"""Which files a repo's own .gitignore keeps out (pure)."""

import pathspec


class Ignores:
    """The patterns of one .gitignore; None or an empty one covers nothing."""

    def __init__(self, text: str | None) -> None:
        self._spec = pathspec.GitIgnoreSpec.from_lines((text or "").splitlines())

    def covers(self, path: str) -> bool:
        return self._spec.match_file(path)
