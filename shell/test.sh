#!/usr/bin/env bash
# Set everything up (at the first start), then run every check of the code and its tests.
#
#   shell/test.sh [PYTEST-ARGUMENTS]   without arguments, all of tests/, file by file on two processes; paths are
#                                      from the root
#
# All checks run even when one fails; the names of those that failed come last. Exit: 0 all passed,
# 1 something failed, 3 the set-up could not be done.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
bash "$root/shell/setup.sh"
cd -- "$root"
PATH=$root/.venv/bin:$PATH
failed=()

check() { # NAME COMMAND...
    printf '== %s\n' "$1"
    "${@:2}" || failed+=("$1")
}

[ $# -gt 0 ] || set -- -n 2 --dist loadfile --no-loadscope-reorder tests # tests/conftest.py orders the files
check 'ruff check' ruff check .
check 'ruff format' ruff format --check .
check mypy mypy
check lint-imports lint-imports
check pytest python -m pytest "$@" # last, so that its count ends the output

if [ ${#failed[@]} -gt 0 ]; then
    names=$(printf ', %s' "${failed[@]}")
    printf 'test.sh: failed: %s\n' "${names#, }" >&2
    exit 1
fi
