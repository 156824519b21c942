#!/usr/bin/env bash
# Run a command of Encore on a cluster by spark-submit, and print the line that does it.
#
#   shell/submit.sh [OPTIONS] COMMAND [ARGUMENTS]     (shell/submit.sh --help names the options)
#
#   shell/submit.sh run --service music --raw /logs --data /data/music
#   shell/submit.sh --master yarn --deploy-mode cluster rollup --data hdfs:///encore/music
#   shell/submit.sh --dry-run --master k8s://https://host:6443 features --data s3a://bucket/music
#
# Without --master and --profile it takes the cluster that shell/cluster.sh has started, if there is one. What a cluster
# needs is packed first where it is missing or old (shell/package.sh). SPARK_HOME names the cluster's own Spark.
# Exit: that of the command; 2 bad usage, 3 nothing could be packed.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
bash "$root/shell/setup.sh"
exec "$root/.venv/bin/python" -m jobs.cluster.spark_submit "$@"
