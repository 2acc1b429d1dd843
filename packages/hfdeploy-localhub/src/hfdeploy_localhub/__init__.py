"""The Hugging Face Hub on this machine: API, git objects, xet, LFS and running Spaces, offline."""

from hfdeploy_localhub.seed import Organisation, Reach, Token, TrustedPublisher, User
from hfdeploy_localhub.serving import LocalHub

__all__ = ["LocalHub", "Organisation", "Reach", "Token", "TrustedPublisher", "User"]
