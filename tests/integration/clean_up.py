"""Deletes what the journal names and is still there: ``python tests/integration/clean_up.py JOURNAL``.

For jobs whose tests were killed; the names were minted in the same run. What this misses, the janitor finds.
"""

import json
import os
import sys
from pathlib import Path

from huggingface_hub import HfApi

_PREFIX = "hfdeploy-test-"


def main(journal: Path) -> int:
    api = HfApi(token=os.environ["HF_TOKEN"])
    exit_code = 0
    for line in journal.read_text().splitlines() if journal.exists() else ():
        try:
            kind, repo = json.loads(line)
            if repo.partition("/")[2].startswith(_PREFIX) and api.repo_exists(repo, repo_type=kind):
                api.delete_repo(repo, repo_type=kind)
                print(f"deleted {kind} {repo}")
        except Exception as error:  # whatever is wrong with one, the others go
            print(f"left to the janitor: {type(error).__name__}")
            exit_code = 1
    return exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
