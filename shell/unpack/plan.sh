# shellcheck shell=sh disable=SC2034,SC2154 # unpack.sh sources this; the parts share its variables
# Runs the programs that plan the work and that end it.

need_python() {
    "$python" -S -c 'import sys; sys.exit(sys.version_info < (3, 11))' </dev/null >/dev/null 2>&1 ||
        stop 2 "unpack.sh needs Python 3.11 or later, and $python does not work; install it, or set PYTHON=..."
}

# Makes "reasons", the names of reasons.tsv in their order.
read_reasons() {
    reasons=''
    while IFS=$tab read -r name _; do
        case $name in '' | '#'*) continue ;; esac
        reasons="$reasons $name"
    done <"$here/reasons.tsv"
}

# Runs a program in the background, where Ctrl-C does not reach it: this process ends it, and it leaves no traceback.
run_program() { # run_program NAME ARGUMENTS...
    script=$here/$1
    shift
    "$python" -S "$script" "$@" &
    workers=$!
    wait "$workers"
    set -- $?
    workers=''
    return "$1"
}

# Makes $work/todo, $work/raw, $work/paths and $work/results: see plan.py.
make_plan() {
    run_program plan.py "$raw" "$raw_root" "$raw_name" "$landing_root" "$work" "$rules_version" "$sample" \
        "$reasons" "$jobs" "$prune" || end_as $? "planning $raw"
    while IFS=/ read -r _ _ _ _ _ path; do end_with 3; done <"$work/results"
}

# Makes the settings in an archive's record, as plan.py does. An archive whose record has other settings is unpacked
# again.
name_settings() {
    layout="$event/$date/$day_field/$fields/$customer/$separator/$header/$format/$names/$zone/$spec/$members/$files"
    settings="$rules_version/$layout/$sample"
}

write_lists() {
    run_program settle.py "$landing_root" "$work" "$sample" "$reasons" "$prune" || end_as $? "writing $landing"
}

end_as() { # ends with the status of a program, which has said why, or with 1 if it has failed
    case $1 in 2 | 3 | 4) exit "$1" ;; *) stop 1 "$2: $python ended with status $1; run it again, or report it" ;; esac
}
