"""The Hugging Face Hub on this machine: API, git objects, xet, LFS and running Spaces, offline."""

from hfdeploy_localhub.server import LocalHub, User

__all__ = ["LocalHub", "User"]
