#!/usr/bin/env bash
# Packs what a cluster needs to run Encore into a folder (default dist/): the code at each run, which takes seconds, and
# the environment if it is missing or old.
#
#   shell/package.sh [FOLDER]
#
#   FOLDER/encore.zip           the code, for --py-files
#   FOLDER/environment.tar.gz   Python's packages with Horovod, for --archives; tested in another folder
#
# The cluster uses its own Spark. The archive contains no Python: the nodes need the same version at the same path as
# this machine. If their path differs, PYTHON_PREFIX is its prefix on the nodes (/usr, /opt/python); then the archive is
# not tested here. Exit status: 0 done, 2 bad usage, 3 packing failed or the environment does not work in another
# folder.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
here=$root/shell/package
python=$root/.venv/bin/python
prefix=${PYTHON_PREFIX-}

say() { printf 'package: %s\n' "$*" >&2; }

make_code() { # a wheel is a zip; built from a copy, since setuptools keeps deleted modules in build/
    local commit
    mkdir "$work/source" || return 1
    cp -R "$root"/{pyproject.toml,conf,features,models,jobs,shell} "$work/source" || return 1
    find "$work/source" -name __pycache__ -prune -exec rm -rf {} +
    if commit=$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null); then # a model records the code that made it
        [ -z "$(git -C "$root" status --porcelain)" ] || commit=$commit.changes
        sed "s/^version = \"[^\"]*/&+g$commit/" "$root/pyproject.toml" >"$work/source/pyproject.toml" || return 1
    fi
    "$python" -m pip wheel --quiet --no-input --disable-pip-version-check --no-deps --no-build-isolation --no-index \
        -w "$work" "$work/source" >&2 || return 1
    mv "$work"/encore-*.whl "$folder/encore.zip"
}

made_from() { cat "$root/.venv/.encore-setup" "$here"/* "${BASH_SOURCE[0]}" <(printf '%s' "$prefix") | cksum; }

is_packed() {
    [ -f "$folder/environment.tar.gz" ] && [ "$(cat "$folder/environment.made-from" 2>/dev/null)" = "$(made_from)" ]
}

make_environment() { # with the fastest compression: it is sent once, but every executor unpacks it
    local pattern excluded=() moved=()
    while IFS= read -r pattern; do excluded+=(--exclude "$pattern"); done < <("$python" "$here/left_out.py")
    [ ${#excluded[@]} -gt 0 ] || return 1
    [ -z "$prefix" ] || moved=(--python-prefix "$prefix")
    say 'packing the environment and testing it in another folder; this takes about a minute'
    rm -f "$folder/environment.made-from"
    "$python" -m venv_pack --quiet --prefix "$root/.venv" --output "$work/environment.tar.gz" --compress-level 1 \
        ${moved[@]+"${moved[@]}"} "${excluded[@]}" >&2 || return 1
    if [ -z "$prefix" ] && ! try_elsewhere; then
        say 'the environment does not work in another folder; run this again after: rm .venv/.encore-setup'
        return 1
    fi
    chmod 644 "$work/environment.tar.gz" && mv "$work/environment.tar.gz" "$folder/environment.tar.gz" || return 1
    made_from >"$folder/environment.made-from"
}

try_elsewhere() { # as on an executor: unpacked in another folder, with Spark's Python files and the zip
    local spark
    spark=$("$python" -c 'import pyspark; print(pyspark.__path__[0])') || return 1
    mkdir "$work/elsewhere" && tar -xzf "$work/environment.tar.gz" -C "$work/elsewhere" || return 1
    (cd / && PYTHONPATH=$folder/encore.zip:$spark/python/lib/pyspark.zip:$(echo "$spark"/python/lib/py4j-*.zip) \
        "$work/elsewhere/bin/python" "$here/try.py") >"$work/tried" 2>&1 || {
        tail -n 5 "$work/tried" >&2
        return 1
    }
}

[ $# -le 1 ] && case ${1-} in -*) false ;; esac || {
    say 'usage: package.sh [FOLDER]'
    exit 2
}
bash "$root/shell/setup.sh"
mkdir -p "${1:-$root/dist}"
folder=$(cd -- "${1:-$root/dist}" && pwd -P)
work=$(mktemp -d "$folder/.package-XXXXXX") # on the same file system, so that a rename puts each file in place
trap 'rm -rf "$work"' EXIT
make_code || exit 3
is_packed || make_environment || exit 3
say "$folder/encore.zip, $folder/environment.tar.gz"
