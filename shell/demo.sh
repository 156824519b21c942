#!/usr/bin/env bash
# Sets everything up at the first start, then shows Encore on simulated logs. Passes its arguments to `encore demo`.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
bash "$root/shell/setup.sh"
exec "$root/.venv/bin/encore" demo "$@"
