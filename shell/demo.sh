#!/usr/bin/env bash
# Set everything up (at the first start), then show Encore on simulated logs; arguments go to `encore demo`.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
bash "$root/shell/setup.sh"
exec "$root/.venv/bin/encore" demo "$@"
