#!/usr/bin/env bash
# Install Horovod with its TensorFlow operations into a virtual environment: horovod.sh VENV
#
# There are no wheels of Horovod, so it is built (95 s on 2 cores) and the wheel is kept in
# ${XDG_CACHE_HOME:-~/.cache}/encore for the next clone. Exit 0 only if it can be imported.
set -euo pipefail

venv=$1
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
version=$(sed -n 's/^horovod==//p' "$root/constraints.txt")

# A folder without spaces: CMake gets TensorFlow's flags as one string, split at spaces. So the
# environment is reached through a link in it as well.
scratch=$(mktemp -d /tmp/encore-horovod.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
ln -s "$venv" "$scratch/venv"

built_for() { # -> py3.11-tensorflow-2.21.0-Linux-x86_64: what a compiled Horovod is tied to
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

make_empty_headers() { # xla_mpi_ops.cc includes them, no wheel has them, a CPU build needs nothing in them
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
    # -j2: each compiler takes 1 GB. CMake 4 refuses the age of Gloo's files unless told otherwise.
    PATH=$scratch/venv/bin:$PATH CXXFLAGS="-I$scratch/include" MAKEFLAGS=-j2 \
        HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITH_GLOO=1 HOROVOD_WITHOUT_MPI=1 \
        HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1 CMAKE_POLICY_VERSION_MINIMUM=3.5 \
        "$scratch/venv/bin/python" -m pip wheel --no-input --no-deps --no-build-isolation \
        --no-cache-dir -w "$scratch/wheel" "horovod==$version"
}

install_wheel() { # FOLDER; importing it loads the compiled library, so a wheel that does not fit is found
    "$venv/bin/python" -m pip install --no-input --no-deps --no-index --force-reinstall "$1"/horovod-"$version"-*.whl &&
        (cd / && "$venv/bin/python" -c 'import horovod.tensorflow')
}

keep() { # in one step, so that no other clone sees half a wheel; no harm if it cannot be kept
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
