#!/usr/bin/env bash
# Sets everything up at the first start, then runs every check of the code and its tests.
#
#   shell/test.sh [--coverage] [PYTEST-ARGUMENTS]
#
#   --coverage         also measures which lines of conf, features, models and jobs the tests run, in all their
#                      processes but those that a test starts by itself; prints each file and the total
#   PYTEST-ARGUMENTS   default: all of tests/, file by file on two processes; paths are from the root
#
# All checks run even if one fails; the names of those that failed come last. Exit status: 0 all passed, 1 something
# failed, 3 the set-up failed.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
bash "$root/shell/setup.sh"
cd -- "$root"
PATH=$root/.venv/bin:$PATH
failed=()
coverage=()

check() { # NAME COMMAND...
    printf '== %s\n' "$1"
    "${@:2}" || failed+=("$1")
}

if [ "${1-}" = --coverage ]; then
    coverage=(--cov --cov-report=term) # of the packages that pyproject.toml names
    shift
fi
[ $# -gt 0 ] || set -- -n 2 --dist loadfile --no-loadscope-reorder tests # tests/conftest.py orders the files
check 'ruff check' ruff check .
check 'ruff format' ruff format --check .
check mypy mypy
check lint-imports lint-imports
check pytest python -m pytest ${coverage[@]+"${coverage[@]}"} "$@" # last, so that its count ends the output

if [ ${#failed[@]} -gt 0 ]; then
    names=$(printf ', %s' "${failed[@]}")
    printf 'test.sh: failed: %s\n' "${names#, }" >&2
    exit 1
fi
