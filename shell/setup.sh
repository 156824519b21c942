#!/usr/bin/env bash
# Makes .venv with everything that Encore needs. If .venv is complete and current, it returns at once.
#
#   shell/setup.sh           set up
#   shell/setup.sh --check   only print which tools are missing
#
# PYTHON=/path/to/python chooses the interpreter. Exit status: 0 Encore can be used (perhaps without Horovod; one line
# says so), 2 bad usage, 3 Python or Java is missing or a package is not available.
# The syntax is that of bash 3.2, which macOS has.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv
log=$venv/setup.log
stamp=$venv/.encore-setup # line 1: checksum of what .venv was made from, or "unfinished"; line 2: Horovod's state

say() { printf 'setup: %s\n' "$*" >&2; }

# ---- the tools of the machine -------------------------------------------------------------------

install_with() { # DEBIAN-PACKAGES MACOS-COMMAND -> the command for this machine
    if [ "$(uname -s)" = Darwin ]; then
        printf '%s' "$2"
    elif [ "$EUID" -eq 0 ]; then
        printf 'apt-get install -y %s' "$1"
    else
        printf 'sudo apt-get install -y %s' "$1"
    fi
}

missing() { # WHAT DEBIAN-PACKAGES MACOS-COMMAND
    say "missing: $1; install it with: $(install_with "$2" "$3")"
}

python_version() { "$1" -I -S -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

suits() { # TensorFlow 2.21 has wheels only for these versions
    case $(python_version "$1") in 3.11 | 3.12 | 3.13) ;; *) return 1 ;; esac
}

find_python() { # -> a suitable interpreter; for that of a venv (perhaps this one), its base interpreter
    local candidate candidates='python3.11 python3.12 python3.13 python3 python'
    local IFS=' '
    [ -z "${PYTHON:-}" ] || { candidates=$PYTHON && IFS=; } # only that one
    for candidate in $candidates; do
        if suits "$candidate"; then
            "$candidate" -I -S -c 'import sys; print(sys._base_executable)'
            return
        fi
    done
    return 1
}

java_major() { # -> 17; of the java that Spark uses
    local text
    text=$("${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1) || return 1
    [[ $text =~ version\ \"(1\.)?([0-9]+) ]] && printf '%s' "${BASH_REMATCH[2]}"
}

missing_build_tools() { # -> "g++ cmake"; runs them, since macOS has placeholders that only print an error
    local tools=
    g++ --version >/dev/null 2>&1 || tools='g++'
    cmake --version >/dev/null 2>&1 || tools="${tools:+$tools }cmake"
    printf '%s' "$tools"
}

check_tools() { # sets $python; prints all missing tools; fails if a tool is missing that not only Horovod needs
    local failed=0 java tool
    if ! python=$(find_python); then
        missing "Python 3.11 to 3.13 (tried ${PYTHON:-python3.11, python3.12, python3.13, python3, python})" \
            'python3 python3-venv' 'brew install python@3.11'
        failed=1
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then # separate packages on Debian
        missing "the venv module of $python" "python$(python_version "$python")-venv" 'brew install python@3.11'
        failed=1
    fi
    java=$(java_major) || java=0
    if [ "$java" -lt 17 ]; then
        missing "Java >= 17 (${JAVA_HOME:+in JAVA_HOME=$JAVA_HOME, }found: ${java/#0/none})" \
            default-jre-headless 'brew install --cask temurin@17'
        failed=1
    fi
    for tool in $(missing_build_tools); do
        case $tool in
        g++) missing 'g++ (only Horovod is built with it)' g++ 'xcode-select --install' ;;
        cmake) missing 'cmake (only Horovod is built with it)' cmake 'brew install cmake' ;;
        esac
    done
    return $failed
}

# ---- is there anything to do? -------------------------------------------------------------------

made_from() { # PYTHON-VERSION -> a checksum; if it changes, .venv must be made again (its scripts contain the folder)
    {
        printf '%s\n' "$root" "$1"
        cat "$root"/{pyproject.toml,constraints.txt,shell/setup.sh,shell/horovod.sh}
    } | cksum
}

is_done() { # also prints a line if Horovod is missing
    local made horovod version lacking
    { read -r made && read -r horovod; } 2>/dev/null <"$stamp" || return 1
    version=$(python_version "$venv/bin/python") || return 1
    [ -z "${PYTHON:-}" ] || [ "$(python_version "$PYTHON")" = "$version" ] || return 1
    [ "$made" = "$(made_from "$version")" ] || return 1
    case $horovod in
    installed) ;;
    failed) say "ready, but without Horovod: its build failed (.venv/setup.log); to try again: rm .venv/.encore-setup" ;;
    *)
        lacking=$(missing_build_tools)
        [ -n "$lacking" ] || return 1 # the tools are installed now: try again
        say "ready, but without Horovod: missing $lacking"
        ;;
    esac
}

# ---- set up -----------------------------------------------------------------------------------

take_turn() { # holds a lock until this process ends, for whatever reason; a second set-up waits
    mkdir -p "$venv"
    exec 9>"$venv/.encore-lock"
    "$python" -c 'if True:
        import fcntl, sys
        try:
            fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: waiting for another set-up of this folder", file=sys.stderr)
            fcntl.flock(9, fcntl.LOCK_EX)'
}

can_reuse_venv() { # complete, not moved from another folder, and with the chosen Python
    local made=
    read -r made 2>/dev/null <"$stamp" || true
    [ "$made" != unfinished ] && suits "$venv/bin/python" &&
        [ "$(python_version "$venv/bin/python")" = "$(python_version "$python")" ] &&
        grep -qF -- "$venv" "$venv/bin/activate" 2>/dev/null
}

make_venv() {
    if can_reuse_venv; then
        : >"$log"
        return
    fi
    echo unfinished >"$stamp"
    find "$venv" -mindepth 1 -maxdepth 1 ! -name '.encore-*' -exec rm -rf {} +
    "$python" -m venv "$venv" >"$log" 2>&1
}

install_packages() { # if pip is killed, half-installed packages remain; if pip fails, none remain
    echo unfinished >"$stamp"
    cd -- "$root"
    "$venv/bin/python" -m pip install --no-input --disable-pip-version-check \
        -c constraints.txt -e '.[keras,implicit,dev]' >>"$log" 2>&1 </dev/null || { rm -f "$stamp" && return 1; }
}

tell_failure() { # WHAT; on a CI server it prints the end of the log, which cannot be opened there
    local cause
    cause=$(grep -m 1 -E '^(ERROR|Error|error)' "$log" || tail -n 1 "$log")
    say "$1: ${cause:-no output}; full log: $log"
    [ -z "${CI:-}" ] || tail -n 40 "$log" >&2
}

install_horovod() { # -> line 2 of the stamp
    local lacking
    lacking=$(missing_build_tools)
    if bash "$root/shell/horovod.sh" "$venv" >>"$log" 2>&1 </dev/null; then
        echo installed
    elif [ -n "$lacking" ]; then
        say "without Horovod (missing $lacking), which only training on several processes needs"
        echo "$lacking"
    else
        tell_failure 'without Horovod, which only training on several processes needs; its build failed'
        echo failed
    fi
}

set_up() {
    local horovod
    SECONDS=0
    say "making .venv with Python $(python_version "$python"); this takes 1 to 2 minutes; log: .venv/setup.log"
    if ! make_venv || ! install_packages; then
        tell_failure 'installing the packages failed'
        exit 3
    fi
    say 'packages installed; next: Horovod (built once per machine, which takes 2 to 4 minutes)'
    horovod=$(install_horovod)
    printf '%s\n' "$(made_from "$(python_version "$venv/bin/python")")" "$horovod" >"$stamp.new"
    mv "$stamp.new" "$stamp"
    say "done in $SECONDS s"
}

case ${1-} in
'') ;;
--check)
    check_tools || exit 3
    exit 0
    ;;
*)
    say "unknown argument $1; usage: setup.sh [--check]"
    exit 2
    ;;
esac
if is_done; then exit 0; fi
check_tools || exit 3
take_turn
if is_done; then exit 0; fi # another process has completed it in the meantime
set_up
