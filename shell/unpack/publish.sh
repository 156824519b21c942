# shellcheck shell=sh disable=SC2034,SC2154 # unpack.sh sources this; the parts share its variables
# Runs the workers, which unpack, and moves their files into LANDING.

# A worker takes the next archive that no other worker has claimed, and names each finished one on standard output.
run_worker() { # run_worker NUMBER
    worker=$1 number=0
    trap : PIPE # the reader may die
    start_reader "$worker" || exit 1
    trap 'kill "$reader" 2>/dev/null; exit 143' TERM # awk ends with the reader
    while IFS=/ read -r event date day_field fields customer separator header format names zone spec members \
        files keep size checksum stem path; do
        number=$((number + 1))
        claim "$work/claims/$number" || continue
        name_settings
        mkdir -p "$work/$number/days" && cd "$work/$number" || exit 1
        unpack_archive </dev/null
        printf '%s\n' "$number/$event/$keep/$size/$checksum/$stem/$path"
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
    worker=0 started=''
    while [ "$worker" -lt "$jobs" ]; do
        run_worker "$worker" &
        started="$started $!" worker=$((worker + 1))
    done
    # shellcheck disable=SC2064 # the numbers of now
    trap "kill $started 2>/dev/null; exit 143" TERM
    wait
}

# Only this process publishes, so workers that outlive a killed run cannot change the files of the next run.
unpack_all() {
    total=$(($(wc -l <"$work/todo")))
    finished=0
    [ "$total" -gt 0 ] || return 0
    [ "$jobs" -le "$total" ] || jobs=$total
    mkfifo "$work/finished" || stop 3 "writing $landing: cannot make a named pipe there; use a local file system"
    run_workers >"$work/finished" &
    workers=$!
    while IFS=/ read -r number event keep size checksum stem path; do
        finished=$((finished + 1))
        if [ ! -f "$work/$number/record" ]; then give_up; elif has_lost_lines; then refuse; else publish; fi
        rm -rf "${work:?}/$number"
    done <"$work/finished"
    workers=''
    [ "$finished" -eq "$total" ] ||
        stop 1 "unpacking $raw: a worker died after $finished of $total archives; run it again"
}

add_result() { printf '%s\n' "$1/$event/$size/$checksum/$stem/$path" >>"$work/results"; }

# True if the archive was landed before and its new version lacks lines. Makes "changes", in words.
has_lost_lines() {
    changes='' old=$landing_root/.done/$stem.record
    [ "$keep" = 1 ] && [ -f "$old" ] || return 1
    changes=$("$python" -S "$here/compare.py" "$old" "$work/$number/record" </dev/null)
    case $? in
    0) return 1 ;;
    4) [ "$prune" = 0 ] ;;
    *) stop 1 "comparing $path with its earlier version: $python failed; run it again" ;;
    esac
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
    add_result published
    IFS=, read -r _ _ _ lines _ kept repaired left_out rejected _ <<ROW
$summary
ROW
    say "$finished/$total $path: $lines lines, $kept kept ($repaired records repaired)," \
        "$rejected rejected, $left_out left out"
    [ -z "$changes" ] || say "replaced: $path: $changes"
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

forget() { # removes the record first: files without a record count as missing
    record=$landing_root/.done/$1.record
    [ -f "$record" ] || return 0
    sed -n "s/^file$tab//p" "$record" >"$work/forgotten"
    rm -f "$record"
    while IFS= read -r file; do
        rm -f "$landing_root/$file"
        rmdir "$landing_root/${file%/*}" 2>/dev/null
    done <"$work/forgotten"
}

refuse() { # keeps the lines of the earlier version
    say "$finished/$total refused: $path came again with lines missing: $changes; the earlier lines are kept;" \
        "complete the archive, or take it as it is by --prune"
    end_with 4
    add_result refused
}

give_up() { # keeps the lines of an earlier version
    why=failed message="unpacking $path: the worker died; run it again"
    [ ! -s "$work/$number/error" ] || { read -r why && read -r message; } <"$work/$number/error"
    if [ "$keep" = 1 ]; then
        say "$finished/$total $message; the lines that it landed earlier are kept"
        add_result refused
    else
        forget "$stem"
        say "$finished/$total $message"
        add_result failed
    fi
    if [ "$why" = uneven ]; then end_with 4; else end_with 3; fi
}

end_with() { # the run will end with this status, or a higher one
    [ "$worst" -ge "$1" ] || worst=$1
    failed="${failed:+$failed, }$path"
}
