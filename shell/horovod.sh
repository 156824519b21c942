#!/usr/bin/env bash
# Installs Horovod with its TensorFlow operations into a virtual environment: horovod.sh VENV
#
# Horovod has no wheels, so this script builds one (95 s on 2 cores) and keeps it in ${XDG_CACHE_HOME:-~/.cache}/encore
# for the next clone. Exit status 0 only if Horovod can be imported.
set -euo pipefail

venv=$1
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
version=$(sed -n 's/^horovod==//p' "$root/constraints.txt")

# A folder without spaces, since CMake splits TensorFlow's flags at spaces. For the same reason it has a link to the
# environment.
scratch=$(mktemp -d /tmp/encore-horovod.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
ln -s "$venv" "$scratch/venv"

built_for() { # -> py3.11-tensorflow-2.21.0-Linux-x86_64: what a compiled Horovod depends on
    "$venv/bin/python" -c 'if True:
        import platform, sys
        from importlib.metadata import distributions
        names = {"tensorflow", "tensorflow-cpu", "tensorflow_cpu"}
        tensorflow = {d.version for d in distributions() if d.metadata["Name"] in names}
        if len(tensorflow) != 1:
            sys.exit("Horovod needs one TensorFlow, found " + (", ".join(tensorflow) or "none"))
        python = "%d.%d" % sys.version_info[:2]
        print(f"py{python}-tensorflow-{tensorflow.pop()}-{platform.system()}-{platform.machine()}")'
}

make_empty_headers() { # xla_mpi_ops.cc includes them; no wheel has them, and a CPU build uses nothing of them
    local header compiler=$scratch/include/tensorflow/compiler
    for header in tf2xla/xla_op_kernel tf2xla/xla_op_registry xla/client/xla_builder \
        xla/service/custom_call_target_registry xla/service/hlo.pb xla/shape xla/xla_data.pb; do
        mkdir -p "$(dirname "$compiler/$header")"
        : >"$compiler/$header.h"
    done
}

build() { # -> $scratch/wheel/horovod-*.whl
    g++ --version >/dev/null
    cmake --version >/dev/null
    "$venv/bin/python" -m pip install --no-input -c "$root/constraints.txt" \
        setuptools wheel packaging cloudpickle psutil pyyaml
    make_empty_headers
    # -j2, since each compiler needs 1 GB. CMake 4 rejects Gloo's old files without the policy version.
    PATH=$scratch/venv/bin:$PATH CXXFLAGS="-I$scratch/include" MAKEFLAGS=-j2 \
        HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITH_GLOO=1 HOROVOD_WITHOUT_MPI=1 \
        HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1 CMAKE_POLICY_VERSION_MINIMUM=3.5 \
        "$scratch/venv/bin/python" -m pip wheel --no-input --no-deps --no-build-isolation \
        --no-cache-dir -w "$scratch/wheel" "horovod==$version"
}

install_wheel() { # FOLDER; the import loads the compiled library, so it fails for a wheel that does not fit
    "$venv/bin/python" -m pip install --no-input --no-deps --no-index --force-reinstall "$1"/horovod-"$version"-*.whl &&
        (cd / && "$venv/bin/python" -c 'import horovod.tensorflow')
}

keep() { # moves the wheel in one step, so that no other clone reads half of it; a failure is not an error
    rm -rf "$cache" && mkdir -p "$cache.$$" && cp "$scratch"/wheel/horovod-*.whl "$cache.$$" &&
        mv "$cache.$$" "$cache" || echo "could not keep the wheel in $cache"
}

recipe=$(cksum <"${BASH_SOURCE[0]}")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/encore/horovod-$version-$(built_for)-${recipe%% *}
if [ -d "$cache" ] && install_wheel "$cache"; then
    exit 0
fi
build
install_wheel "$scratch/wheel"
keep
