"""Long runs: `make soak`."""

import os

collect_ignore_glob = [] if os.environ.get("HFDEPLOY_SOAK_SECONDS") else ["test_*.py"]
