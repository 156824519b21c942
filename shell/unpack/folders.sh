# shellcheck shell=sh disable=SC2034,SC2154 # unpack.sh sources this; the parts share its variables
# Finds RAW and LANDING, and takes the lock that prevents a second run at the same time.

find_folders() {
    [ -e "$raw" ] || stop 3 "reading $raw: no such file or folder; give the folder with the archives"
    if [ -d "$raw" ]; then raw_root=$raw raw_name=.; else raw_root=$(dirname "$raw") raw_name=./$(basename "$raw"); fi
    raw_root=$(cd "$raw_root" 2>/dev/null && pwd -P) || stop 3 "reading $raw: permission denied; make it readable"
    # A run that was killed at its start has left no more than its lock.
    if [ -d "$landing" ] && [ ! -d "$landing/.done" ] && ls -A "$landing" 2>/dev/null | grep -qv '^[.]lock'; then
        stop 3 "writing $landing: it is not empty and was not made by unpack.sh; give an empty or new folder"
    fi
    mkdir -p "$landing" 2>/dev/null && landing_root=$(cd "$landing" && pwd -P) ||
        stop 3 "writing $landing: cannot make the folder; give one that you may write to"
    [ "$raw_name" != . ] || case $landing_root/ in "$raw_root"/*)
        rmdir "$landing_root" 2>/dev/null
        stop 2 "LANDING $landing is inside RAW $raw; give a folder outside it"
        ;;
    esac
}

is_alive() { kill -0 "$1" 2>/dev/null || ps -p "$1" >/dev/null 2>&1; }

take_lock() {
    lock=$landing_root/.lock
    tries=0
    until mkdir "$lock" 2>/dev/null; do
        holder=$(cat "$lock/pid" 2>/dev/null)
        [ -z "$holder" ] || ! is_alive "$holder" ||
            stop 3 "writing $landing: another unpack.sh (process $holder) is writing to it; wait until it ends"
        tries=$((tries + 1))
        [ "$tries" -le 5 ] ||
            stop 3 "writing $landing: cannot make the lock $lock; check the rights of the folder"
        # A lock without a process number is a moment old, or its process was killed: wait to find out.
        if [ -n "$holder" ] || [ "$tries" -gt 2 ]; then break_lock; else sleep 1; fi
    done
    echo $$ >"$lock/pid"
    trap release EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    mkdir -p "$landing_root/.done" || stop 3 "writing $landing: cannot make $landing/.done; check its rights"
}

# Renames the lock first, so that only one of two runs that find the same dead lock removes it.
break_lock() {
    mv "$lock" "$lock.dead.$$" 2>/dev/null && rm -rf "$lock.dead.$$"
}

release() {
    [ -z "${workers:-}" ] || kill "$workers" 2>/dev/null
    rm -rf "$landing_root/.work" 2>/dev/null || { sleep 1 && rm -rf "$landing_root/.work"; }
    rm -rf "$lock"
}

start_work_folder() {
    rm -rf "$landing_root/.work" "$landing_root"/.lock.dead.*
    work=$landing_root/.work/$$ # a folder of this process, so that workers of a killed run cannot write into it
    mkdir -p "$work/claims" || stop 3 "writing $landing: cannot make $work; free space there and run it again"
    : >"$work/results"
    worst=0 failed=''
    printf '%s\n' "$events" >"$work/events"
}
