#!/usr/bin/env bash
# Starts and stops a Spark cluster of separate processes on this machine, from pip's Spark, to test shell/submit.sh.
#
#   shell/cluster.sh start [--workers N] [--cores N] [--memory SIZE]
#   shell/cluster.sh status
#   shell/cluster.sh stop
#
# Default: 2 workers with 2g each, among which the cores are divided.
#
# It listens only on 127.0.0.1, on free ports, and every connection needs the secret that it makes. All its files are in
# .cluster/ (or the folder ENCORE_CLUSTER): pids, logs, events of applications, and `profile.yaml`, which
# shell/submit.sh reads. A second `start` starts the workers that are missing. Exit status: 0 done (of status: all
# processes run), 1 it did not start (of status: not all processes run), 2 bad usage, 3 Spark is not installed.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
state=${ENCORE_CLUSTER:-$root/.cluster}
case $state in /*) ;; *) state=$PWD/$state ;; esac # the path identifies the processes
workers=2 cores= megabytes=2048
seconds=60 # time for a process to start, or to end

say() { printf 'cluster: %s\n' "$*" >&2; }

stop_usage() {
    say "$1; usage: cluster.sh start [--workers N] [--cores N] [--memory SIZE] | status | stop"
    exit 2
}

# ---- the processes ------------------------------------------------------------------------------

is_ours() { # NAME: true if the process of its pid runs, and is not another one with the same number
    local pid command
    pid=$(cat "$state/$1.pid" 2>/dev/null) && command=$(ps -ww -o args= -p "$pid" 2>/dev/null) || return 1
    case $command in *"org.apache.spark.deploy."*"$state/daemon.conf"*) ;; *) return 1 ;; esac
}

launch() { # NAME CLASS ARGUMENTS...
    local name=$1 class=$2
    shift 2
    (
        unset SPARK_MASTER_HOST SPARK_WORKER_CORES SPARK_WORKER_MEMORY PYTHONPATH
        export SPARK_HOME=$spark SPARK_LOCAL_IP=127.0.0.1 SPARK_PUBLIC_DNS=127.0.0.1 SPARK_NO_DAEMONIZE=1
        export SPARK_CONF_DIR=$state/conf SPARK_LOCAL_DIRS=$state/local SPARK_DAEMON_MEMORY=512m
        cd "$state" # Spark writes here, not into the checkout
        exec nohup "$spark/bin/spark-class" "org.apache.spark.deploy.$class" --host 127.0.0.1 \
            --properties-file "$state/daemon.conf" "$@" >"$state/logs/$name.log" 2>&1 </dev/null
    ) &
    echo $! >"$state/$name.pid"
    disown
}

await() { # NAME WORDS: waits until the words are in its log
    local tenth
    for ((tenth = 0; tenth < 10 * seconds; tenth++)); do
        grep -qs -- "$2" "$state/logs/$1.log" && return
        kill -0 "$(cat "$state/$1.pid")" 2>/dev/null || break
        sleep 0.1
    done
    say "$1 did not start; run cluster.sh stop, then start again; $state/logs/$1.log ends with:"
    tail -n 5 "$state/logs/$1.log" >&2
    exit 1
}

names() { # prints the names of all workers that were started, then of the master
    local file
    for file in "$state"/worker-*.pid "$state"/master.pid; do
        [ ! -e "$file" ] || basename "$file" .pid
    done
}

# ---- the folder ---------------------------------------------------------------------------------

make_state() { # only this user may read the files with the secret
    local secret
    mkdir -p "$state"/{conf,logs,events,local,work,checkpoints}
    [ ! -e "$state/daemon.conf" ] || return 0
    secret=$("$root/.venv/bin/python" -c 'import secrets; print(secrets.token_hex(32))')
    (
        umask 077
        # Unpacked environments are large, and useless after the end of an application.
        cat >"$state/daemon.conf" <<CONF
spark.authenticate                 true
spark.authenticate.secret          $secret
spark.network.crypto.enabled       true
spark.worker.cleanup.enabled       true
spark.worker.cleanup.interval      30
spark.worker.cleanup.appDataTtl    30
CONF
    )
}

write_for_submit() { # MASTER
    (umask 077 && grep -E '^spark\.authenticate\.secret' "$state/daemon.conf" >"$state/submit.conf")
    cat >"$state/profile.yaml" <<YAML
# The cluster that shell/cluster.sh started, for shell/submit.sh.
engine: spark
master: $1
driver_memory: 1g
executor_memory: $((megabytes - 512))m
executor_cores: $cores
executors: $workers
adaptive: true
shuffle_partitions: $((4 * workers * cores))
event_log: file:$state/events
checkpoints: file:$state/checkpoints
authenticate: true
settings:
  spark.driver.host: 127.0.0.1
  spark.driver.bindAddress: 127.0.0.1
  spark.local.dir: $state/local
YAML
}

# ---- the commands ----------------------------------------------------------------------

is_count() { case $1 in '' | 0* | *[!0-9]* | ?????*) return 1 ;; esac }

read_options() {
    while [ $# -gt 0 ]; do
        [ $# -ge 2 ] || stop_usage "$1 needs a value"
        case $1 in
        --workers) is_count "$2" && workers=$2 || stop_usage "--workers $2: give a number from 1" ;;
        --cores) is_count "$2" && cores=$2 || stop_usage "--cores $2: give a number from 1" ;;
        --memory)
            is_count "${2%[mg]}" || stop_usage "--memory $2: give a size such as 2g or 1500m"
            case $2 in *g) megabytes=$((${2%g} * 1024)) ;; *m) megabytes=${2%m} ;; *) megabytes=0 ;; esac
            [ "$megabytes" -ge 1024 ] || stop_usage "--memory $2: give 1g or more"
            ;;
        *) stop_usage "unknown argument $1" ;;
        esac
        shift 2
    done
}

start() {
    local number master
    bash "$root/shell/setup.sh" || exit 3
    spark=$("$root/.venv/bin/python" -c 'import pyspark; print(pyspark.__path__[0])') || exit 3
    : "${cores:=$(cores_each)}"
    make_state
    if ! is_ours master; then
        stop # workers whose master has ended
        launch master master.Master --port 0 --webui-port 0
        await master 'I have been elected leader'
    fi
    master=$(sed -n 's/.*Starting Spark master at \(spark:[^ ]*\).*/\1/p' "$state/logs/master.log" | tail -n 1)
    write_for_submit "$master"
    for ((number = 1; number <= workers; number++)); do
        is_ours "worker-$number" || launch "worker-$number" worker.Worker --port 0 --webui-port 0 \
            --cores "$cores" --memory "${megabytes}m" --work-dir "$state/work/$number" "$master"
    done
    for ((number = 1; number <= workers; number++)); do
        await "worker-$number" 'Successfully registered with master'
    done
    status
}

cores_each() {
    local all
    all=$(getconf _NPROCESSORS_ONLN)
    echo $((all / workers > 0 ? all / workers : 1))
}

status() {
    local name running=0 missing=()
    for name in $(names); do
        if is_ours "$name"; then running=$((running + 1)); else missing+=("$name"); fi
    done
    if [ $running -eq 0 ]; then
        say "nothing runs in $state; cluster.sh start starts it"
        return 1
    fi
    say "$(sed -n 's/^master: //p' "$state/profile.yaml"), $((running - 1)) workers; page: $(page)"
    [ ${#missing[@]} -eq 0 ] || {
        say "not running: ${missing[*]}; cluster.sh start starts them again"
        return 1
    }
}

page() { sed -n 's/.*MasterWebUI.*started at \(http[^ ]*\).*/\1/p' "$state/logs/master.log" | tail -n 1; }

stop() { # finds the processes by the pids in the folder only, never by name
    local name tenth
    for name in $(names); do
        is_ours "$name" && kill "$(cat "$state/$name.pid")" 2>/dev/null || true
    done
    for name in $(names); do
        for ((tenth = 0; tenth < 10 * seconds / 4; tenth++)); do
            is_ours "$name" || break
            sleep 0.1
        done
        ! is_ours "$name" || kill -9 "$(cat "$state/$name.pid")" 2>/dev/null || true
        rm -f "$state/$name.pid"
    done
    rm -rf "$state/profile.yaml" "$state/submit.conf" "$state"/{local,work,checkpoints}/*
}

case ${1-} in
start)
    shift
    read_options "$@"
    start
    ;;
status | stop)
    [ $# -eq 1 ] || stop_usage "unknown argument $2"
    "$1"
    ;;
*) stop_usage "give start, status or stop" ;;
esac
