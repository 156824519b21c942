#!/usr/bin/env bash
# Runs a command of Encore on a cluster by spark-submit, and prints the command line.
#
#   shell/submit.sh [OPTIONS] COMMAND [ARGUMENTS]     (shell/submit.sh --help lists the options)
#
#   shell/submit.sh run --service music --raw /logs --data /data/music
#   shell/submit.sh --master yarn --deploy-mode cluster rollup --data hdfs:///encore/music
#   shell/submit.sh --dry-run --master k8s://https://host:6443 features --data s3a://bucket/music
#
# Without --master and --profile it uses the cluster that shell/cluster.sh has started, if there is one. It packs what
# the cluster needs first, if that is missing or old (shell/package.sh). SPARK_HOME is the cluster's own Spark. Exit
# status: that of the command; 2 bad usage, 3 packing failed.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
bash "$root/shell/setup.sh"
exec "$root/.venv/bin/python" -m jobs.cluster.spark_submit "$@"
