#!/bin/sh
# Finds a Python that is new enough, by running it, and hands over to it. Nothing is read from the workspace, and
# neither the job's PYTHON* variables nor its site-packages count (-I -S).
set -eu
here=$(dirname "$0")

is_new_enough() {
  "$@" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

begin() {
  exec "$@" -I -S "$here/src/hfdeploy_action/environment.py"
}

for python in python3 python python3.14 python3.13 python3.12 python3.11; do
  if is_new_enough "$python"; then begin "$python"; fi
done
if is_new_enough py -3; then begin py -3; fi
# What GitHub's runners have beside the Python on their PATH.
for python in "${RUNNER_TOOL_CACHE:-/nonexistent}"/Python/3.*/*/bin/python3 \
  "${RUNNER_TOOL_CACHE:-/nonexistent}"/Python/3.*/*/python.exe; do
  if is_new_enough "$python"; then begin "$python"; fi
done
echo "::error title=No Python::There is no Python 3.11 or newer on this runner. Put a step with actions/setup-python before."
exit 1
