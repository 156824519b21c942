# shellcheck shell=sh disable=SC2034,SC2154 # unpack.sh sources this; the parts share its variables
# Reads and checks the command line: options and events.

read_options() {
    raw='' landing='' sample=1 jobs='' events='' prune=0
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help) show_help && exit 0 ;;
        --prune) prune=1 ;;
        --sample | --jobs | --event)
            [ $# -ge 2 ] || stop 2 "$1 needs a value; see --help"
            set_option "$1" "$2"
            shift
            ;;
        --*=*) set_option "${1%%=*}" "${1#*=}" ;;
        -?*) stop 2 "unknown option $1; see --help" ;;
        *) set_folder "$1" ;;
        esac
        shift
    done
    [ -n "$landing" ] || stop 2 "RAW or LANDING is missing; see --help"
    [ -n "$jobs" ] || jobs=$(number_of_cores)
    [ -n "$events" ] || read_events "$music_events"
    need_python
    set_sample "$sample"
}

set_option() {
    case $1 in
    --sample) sample=$2 ;;
    --jobs)
        is_count "$2" || stop 2 "--jobs $2: give a number from 1"
        jobs=$2
        ;;
    --event) read_events "$2" ;;
    *) stop 2 "unknown option $1; see --help" ;;
    esac
}

set_folder() {
    if [ -z "$raw" ]; then
        raw=$1
    elif [ -z "$landing" ]; then
        landing=$1
    else
        stop 2 "unexpected argument $1: give RAW, LANDING and options; see --help"
    fi
}

number_of_cores() {
    cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null)
    is_count "$cores" && echo "$cores" || echo 1
}

# Normalizes the rate (0.1, not .10), since later runs compare it. Rounds the limit, since 10000 * 0.07 is a little more
# than 700 in binary and would let one more bucket of customers in.
set_sample() {
    # shellcheck disable=SC2046 # two words or none
    set -- "$1" $(printf '%s\n' "$1" | $awk_program '
        /^[0-9]*[.]?[0-9]+([eE]-?[0-9]+)?$/ && $0 + 0 > 0 && $0 + 0 <= 1 { printf "%.10g %.6f", $0, 10000 * $0 }')
    [ $# = 3 ] || stop 2 "--sample $1: give a rate above 0 and at most 1, such as 0.1"
    sample=$2 limit=$3
}

read_events() {
    while IFS= read -r described; do
        read_event "$described"
    done <<SPECS
$1
SPECS
}

# Appends one line to $events, tab separated: name, files, fields, customer, day, separator, header, format, names,
# zone, spec, members. The zone has : instead of /, which separates the fields of the plan.
read_event() {
    described=$1 name='' files='' fields='' customer='' day='' separator=tab header=0 format=lines names='' zone=UTC
    spec='' members=''
    set -f # the pattern in files=... must not match files of this folder
    for word in $described; do
        case $word in
        files=?*) files=${word#*=} ;;
        fields=*) fields=${word#*=} ;;
        customer=*) customer=${word#*=} ;;
        day=*) day=${word#*=} ;;
        separator=*) separator=${word#*=} ;;
        header=*) header=${word#*=} ;;
        format=*) format=${word#*=} ;;
        names=*) names=${word#*=} ;;
        zone=*) zone=${word#*=} ;;
        spec=*) spec=${word#*=} ;;
        members=*) members=${word#*=} ;;
        *=*)
            known='files fields customer day separator header format names zone spec members'
            stop 2 "--event '$described': unknown key ${word%%=*}; known are $known"
            ;;
        *)
            [ -z "$name" ] || stop 2 "--event '$described': $word must be written as key=value"
            name=$word
            ;;
        esac
    done
    set +f
    check_event
    layout=$separator$tab$header$tab$format$tab$names$tab$(printf %s "$zone" | tr / :)$tab$spec$tab$members
    events="${events:+$events$newline}$name$tab$files$tab$fields$tab$customer$tab$day$tab$layout"
}

check_event() {
    case $name in
    '' | *[!A-Za-z0-9_-]* | -* | rejected)
        stop 2 "--event '$described': begin with a name of letters, digits, _ and -, other than 'rejected'"
        ;;
    esac
    case "$newline$events" in
    *"$newline$name$tab"*) stop 2 "--event '$described': $name is described twice; remove one of the two" ;;
    esac
    case $files in
    '' | */*) stop 2 "--event '$described': files= must be a pattern of file names, such as files=*play.log*" ;;
    esac
    case $members in */*) stop 2 "--event '$described': members= must be a pattern of names, such as members=*orders*" ;; esac
    is_field "$fields" "$fields" || stop 2 "--event '$described': fields= must be a number from 1"
    is_field "$customer" "$fields" || stop 2 "--event '$described': customer= must be a field from 1 to $fields"
    case $day in
    name) ;;
    *)
        is_field "${day#name,}" "$fields" ||
            stop 2 "--event '$described': day= must be name, a field from 1 to $fields, or both (name,3)"
        ;;
    esac
    case $separator in tab | space) ;; *) stop 2 "--event '$described': separator= must be tab or space" ;; esac
    [ "$header" = 0 ] || is_count "$header" || stop 2 "--event '$described': header= must be a number of lines"
    case $format in
    lines) [ "$names$zone$spec" = UTC ] || stop 2 "--event '$described': names=, zone= and spec= need format=records" ;;
    records) check_records ;;
    *) stop 2 "--event '$described': format= must be lines or records" ;;
    esac
}

check_records() {
    need_python
    [ "$separator$header" = tab0 ] ||
        stop 2 "--event '$described': format=records has fields by name, and no separator= or header="
    case $spec in
    '') ;;
    *[!A-Za-z0-9%_.~-]*) stop 2 "--event '$described': spec= must be percent-encoded JSON" ;;
    *)
        [ "$names$zone" = UTC ] || stop 2 "--event '$described': spec= says what names= and zone= do; give one of them"
        return
        ;;
    esac
    commas=$(printf %s "$names" | tr -dc ,)
    case ,$names, in *[!A-Za-z0-9_,-]* | *,,*) commas=none ;; esac
    [ $((${#commas} + 1)) = "$fields" ] ||
        stop 2 "--event '$described': names= must be $fields names of letters, digits, _ and -, separated by commas"
    "$python" -S "$here/clock.py" "$zone" </dev/null >/dev/null 2>&1 ||
        stop 2 "--event '$described': zone=$zone is not a time zone; give one such as Europe/Berlin"
}

is_field() { is_count "$1" && is_count "$2" && [ "$1" -le "$2" ]; }
