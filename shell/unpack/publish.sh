# shellcheck shell=sh disable=SC2034,SC2154 # unpack.sh sources this; the parts share its variables
# Runs the workers, which unpack, and moves their files into LANDING.

# A worker takes the next archive that no other worker has claimed, and names each finished one on standard output.
run_worker() {
    number=0
    while IFS=/ read -r event date day_field fields customer separator header format names zone \
        size modified stem path; do
        number=$((number + 1))
        claim "$work/claims/$number" || continue
        name_settings
        mkdir -p "$work/$number/days" && cd "$work/$number" || exit 1
        unpack_archive </dev/null
        printf '%s\n' "$number/$event/$size/$stem/$path"
    done <"$work/todo"
}

claim() { # makes the file; false if another worker has made it
    set -C
    { true >"$1"; } 2>/dev/null
    claimed=$?
    set +C
    return "$claimed"
}

run_workers() {
    worker=0
    while [ "$worker" -lt "$jobs" ]; do
        run_worker &
        worker=$((worker + 1))
    done
    wait
}

# Only this process publishes, so workers that outlive a killed run cannot change the files of the next run.
unpack_all() {
    total=$(($(wc -l <"$work/todo")))
    finished=0
    worst=0
    [ "$total" -gt 0 ] || return 0
    [ "$jobs" -le "$total" ] || jobs=$total
    mkfifo "$work/finished" || stop 3 "writing $landing: cannot make a named pipe there; use a local file system"
    run_workers >"$work/finished" &
    workers=$!
    while IFS=/ read -r number event size stem path; do
        finished=$((finished + 1))
        if [ -f "$work/$number/record" ]; then publish; else give_up; fi
        rm -rf "${work:?}/$number"
    done <"$work/finished"
    workers=''
    [ "$finished" -eq "$total" ] ||
        stop 1 "unpacking $raw: a worker died after $finished of $total archives; run it again"
}

publish() {
    forget "$stem"
    summary=''
    while IFS=$tab read -r key value; do
        case $key in
        file) move_file "$value" || stop_publishing ;;
        row) summary=${value##*",$event,unpacked,"} ;;
        esac
    done <"$work/$number/record"
    mv "$work/$number/record" "$landing_root/.done/$stem.record" || stop_publishing
    IFS=, read -r _ _ _ lines _ kept repaired left_out rejected _ <<ROW
$summary
ROW
    say "$finished/$total $path: $lines lines, $kept kept ($repaired records repaired)," \
        "$rejected rejected, $left_out left out"
}

stop_publishing() {
    stop 3 "publishing $path: cannot move files inside $landing; check its rights and run it again"
}

move_file() { # move_file PATH: moves a file from the worker's folder to its path in LANDING
    case $1 in
    rejected/*) source=rejected ;;
    *) source=${1#*/date=} && source=days/${source%%/*} ;;
    esac
    [ -d "$landing_root/${1%/*}" ] || mkdir -p "$landing_root/${1%/*}" || return 1
    mv "$work/$number/$source" "$landing_root/$1"
}

give_up() {
    forget "$stem"
    why=failed message="unpacking $path: the worker died; run it again"
    [ ! -s "$work/$number/error" ] || { read -r why && read -r message; } <"$work/$number/error"
    say "$finished/$total $message"
    checksum=''
    add_row failed
    if [ "$why" = uneven ]; then worst=4; elif [ "$worst" = 0 ]; then worst=3; fi
}
