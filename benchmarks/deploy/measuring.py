"""Runs a command and tells as JSON how long it took, the most memory it had and what it read.

A process of its own, and a small one: what a child of a large one is told to have had at most is no less than
its parent had.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    started = time.perf_counter()
    with subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL) as process:
        # Looked at before it is gone: what it has read stands in /proc until then.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        seconds = time.perf_counter() - started
        with Path(f"/proc/{process.pid}/io").open() as told:
            read_bytes = int(told.readline().split()[1])
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    facts = {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1000,
        "read_mb": read_bytes / 1e6,
    }
    print(json.dumps(facts))
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
