"""The stock client in a process of its own, so that its work is not counted as the hub's.

python client.py (commit|upload|download) ENDPOINT REPO ARGUMENT, with the token in HF_TOKEN
"""

import sys
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi


def commit(api: HfApi, repo: str, count: str) -> None:
    operations = [
        CommitOperationAdd(f"d{number % 10}/{number}.txt", b"%d" % number * 20)
        for number in range(int(count))
    ]
    api.create_commit(repo, operations, commit_message="many")


def upload(api: HfApi, repo: str, path: str) -> None:
    api.upload_file(repo_id=repo, path_or_fileobj=path, path_in_repo="large.bin")


def download(api: HfApi, repo: str, folder: str) -> None:
    found = api.hf_hub_download(repo, "large.bin", local_dir=folder)
    print(Path(found).stat().st_size)


if __name__ == "__main__":
    what, endpoint, repo, argument = sys.argv[1:]
    {"commit": commit, "upload": upload, "download": download}[what](HfApi(endpoint), repo, argument)
