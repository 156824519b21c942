# shellcheck shell=sh disable=SC2034,SC2154 # unpack.sh sources this; the parts share its variables
# RAW, LANDING, and the lock that keeps a second run out.

find_folders() {
    [ -e "$raw" ] || stop 3 "reading $raw: there is no such file or folder; give the folder with the archives"
    if [ -d "$raw" ]; then raw_root=$raw raw_name=.; else raw_root=$(dirname "$raw") raw_name=./$(basename "$raw"); fi
    raw_root=$(cd "$raw_root" 2>/dev/null && pwd -P) || stop 3 "reading $raw: permission denied; make it readable"
    if [ -d "$landing" ] && [ ! -d "$landing/.done" ] && [ -n "$(ls -A "$landing" 2>/dev/null)" ]; then
        stop 3 "writing $landing: it is not empty and was not made by unpack.sh; give an empty or a new folder"
    fi
    mkdir -p "$landing" 2>/dev/null && landing_root=$(cd "$landing" && pwd -P) ||
        stop 3 "writing $landing: the folder cannot be made; give one that can be written"
    [ "$raw_name" != . ] || case $landing_root/ in "$raw_root"/*)
        rmdir "$landing_root" 2>/dev/null
        stop 2 "LANDING $landing lies inside RAW $raw; give a folder outside it"
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
            stop 3 "writing $landing: another unpack.sh (process $holder) is at work there; wait for it"
        tries=$((tries + 1))
        [ "$tries" -le 5 ] ||
            stop 3 "writing $landing: cannot make the lock $lock; check that the folder can be written"
        # Without a number in it, the lock was made this instant or its maker was killed: wait and see.
        if [ -n "$holder" ] || [ "$tries" -gt 2 ]; then break_lock; else sleep 1; fi
    done
    echo $$ >"$lock/pid"
    trap release EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    mkdir -p "$landing_root/.done" || stop 3 "writing $landing: $landing/.done cannot be made"
}

# By rename, so that of two runs that find the same dead lock only one removes it.
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
    work=$landing_root/.work/$$ # with our number, so that workers of a killed run find their folder gone
    mkdir -p "$work/claims" || stop 3 "writing $landing: cannot make $work; free space there"
    : >"$work/rows"
    printf '%s\n' "$events" >"$work/events"
}
