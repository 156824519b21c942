#!/bin/sh
# Unpacks raw log archives into text lines of the right shape, one folder per event and day. See --help.
#
# The way through: list the files, plan what to do with each by its name (plan.awk), let workers unpack each archive
# into a folder of its own under LANDING/.work (lines.awk), and publish one at a time: old files away, new files in by
# rename, then the archive's record in LANDING/.done. Whatever has no record does not exist: the next run removes it
# and does it again, so a kill at any moment costs one archive's time and nothing else.

set -u
LC_ALL=C
export LC_ALL
unset CDPATH

here=$(cd "$(dirname "$0")" && pwd)/unpack
awk_program=${AWK:-awk}
tab=$(printf '\t')
newline='
'
rules_version=1 # in every record: raise it when lines are judged differently, and all is unpacked again
music_events='play files=*play.log* fields=9 customer=1 day=name
down files=*down.log* fields=6 customer=1 day=name
search files=*search.log* fields=4 customer=1 day=name,3'

show_help() {
    cat <<'HELP'
usage: unpack.sh RAW LANDING [--sample RATE] [--jobs N] [--event 'NAME key=value ...']...

Unpacks the raw logs in RAW (a folder, searched with its subfolders, or one file; .tar.gz, .tgz, .gz or plain text)
into LANDING. Run again, it does only archives that are new or changed, and removes what came from archives that are
gone. It can be killed at any moment and run again.

  --sample RATE  keep a part of the customers, 0 < RATE <= 1 (default 1): those with
                 crc32(id without leading zeros) mod 10000 < 10000 * RATE, so 1 % is inside 10 %
  --jobs N       archives at a time (default: the number of cores)
  --event SPEC   describes one event; given at least once, it replaces the music service's play, down and search:
                   play files=*play.log* fields=9 customer=1 day=name
                   down files=*down.log* fields=6 customer=1 day=name
                   search files=*search.log* fields=4 customer=1 day=name,3
                 files      shell pattern that the file's name matches
                 fields     how many fields a line has
                 customer   the number of the field with the customer's id
                 day        name: YYYYMMDD at the head of the file's name; N: field N of the line, YYYY-MM-DD or
                            YYYYMMDD; name,N: the name's, or field N where the name has none
                 separator  tab (default) or space (runs of spaces and tabs; written as single tabs)
                 header     how many first lines to drop (default 0)

LANDING gets
  EVENT/date=YYYY-MM-DD/ARCHIVE.log  tab separated lines, all with the right number of fields
  rejected/EVENT/ARCHIVE.log         reason, tab, the line as it came
  manifest.csv                       one row per file in RAW, in lines: lines = header + kept + left_out + rejected
  days.csv                           one row per landed file: event, date, file, archive, records, bytes

Exit status: 0 done; 1 a defect here; 2 bad usage; 3 bad or missing input (the other archives are done); 4 lines in
and lines out of an archive do not agree. The environment's AWK names the awk to use.
HELP
}

say() { printf 'unpack: %s\n' "$*" >&2; }

stop() { # stop STATUS MESSAGE...
    stop_status=$1
    shift
    say "$@"
    exit "$stop_status"
}

is_count() { # a whole number from 1, short enough for the shell's arithmetic
    case $1 in '' | 0* | *[!0-9]* | ??????????*) return 1 ;; esac
}

# ---------------------------------------------------------------- the command line

read_options() {
    raw='' landing='' sample=1 jobs='' events=''
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help) show_help && exit 0 ;;
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
    [ -n "$landing" ] || stop 2 "RAW and LANDING must be given; see --help"
    [ -n "$jobs" ] || jobs=$(number_of_cores)
    [ -n "$events" ] || read_events "$music_events"
    set_sample "$sample"
}

set_option() {
    case $1 in
    --sample) sample=$2 ;;
    --jobs)
        is_count "$2" || stop 2 "--jobs $2 is not a number from 1"
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
        stop 2 "unexpected $1: only RAW and LANDING stand without an option; see --help"
    fi
}

number_of_cores() {
    cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null)
    is_count "$cores" && echo "$cores" || echo 1
}

# Writes the rate one way (0.1, not .10), since it is compared. The limit is rounded, since 10000 * 0.07 is a little
# over 700 in binary and would let one more in.
set_sample() {
    # shellcheck disable=SC2046 # two words or none
    set -- "$1" $(printf '%s\n' "$1" | $awk_program '
        /^[0-9]*[.]?[0-9]+([eE]-?[0-9]+)?$/ && $0 + 0 > 0 && $0 + 0 <= 1 { printf "%.10g %.6f", $0, 10000 * $0 }')
    [ $# = 3 ] || stop 2 "--sample $1 is not in (0, 1]; give a rate such as 0.1"
    sample=$2 limit=$3
}

read_events() {
    while IFS= read -r spec; do
        read_event "$spec"
    done <<SPECS
$1
SPECS
}

# Appends one line to $events: name, files, fields, customer, day, separator, header, with tabs between.
read_event() {
    spec=$1 name='' files='' fields='' customer='' day='' separator=tab header=0
    set -f # the pattern in files=... is not for this folder
    for word in $spec; do
        case $word in
        files=?*) files=${word#*=} ;;
        fields=*) fields=${word#*=} ;;
        customer=*) customer=${word#*=} ;;
        day=*) day=${word#*=} ;;
        separator=*) separator=${word#*=} ;;
        header=*) header=${word#*=} ;;
        *=*) stop 2 "--event '$spec': unknown key ${word%%=*}; known are files fields customer day separator header" ;;
        *)
            [ -z "$name" ] || stop 2 "--event '$spec': $word is not key=value"
            name=$word
            ;;
        esac
    done
    set +f
    check_event
    events="${events:+$events$newline}$name$tab$files$tab$fields$tab$customer$tab$day$tab$separator$tab$header"
}

check_event() {
    case $name in
    '' | *[!A-Za-z0-9_-]* | -* | rejected)
        stop 2 "--event '$spec': the name comes first: letters, digits, _ and -, and not 'rejected'"
        ;;
    esac
    case "$newline$events" in *"$newline$name$tab"*) stop 2 "--event '$spec': $name is described twice" ;; esac
    case $files in '' | */*) stop 2 "--event '$spec': files= must be a pattern of file names, such as files=*play.log*" ;; esac
    is_field "$fields" "$fields" || stop 2 "--event '$spec': fields= must be a number from 1"
    is_field "$customer" "$fields" || stop 2 "--event '$spec': customer= must be a field from 1 to $fields"
    case $day in
    name) ;;
    *) is_field "${day#name,}" "$fields" || stop 2 "--event '$spec': day= must be name, a field from 1 to $fields, or both (name,3)" ;;
    esac
    case $separator in tab | space) ;; *) stop 2 "--event '$spec': separator= must be tab or space" ;; esac
    [ "$header" = 0 ] || is_count "$header" || stop 2 "--event '$spec': header= must be a number of lines"
}

is_field() { is_count "$1" && is_count "$2" && [ "$1" -le "$2" ]; }

# ---------------------------------------------------------------- folders and the lock

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
        [ "$tries" -le 5 ] || stop 3 "writing $landing: cannot make the lock $lock; check that the folder can be written"
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

# ---------------------------------------------------------------- what to do

# Makes $work/files: size/modified/path, sorted by path. Times come to the nanosecond where stat gives it; where there
# is no stat they are "-", and checksums alone tell whether an archive changed.
list_files() {
    [ -z "$(cd "$raw_root" && find "$raw_name" -type f -name "*$newline*")" ] ||
        stop 3 "reading $raw: a file's name has a line break in it; rename that file"
    if stat -c %Y . >/dev/null 2>&1; then
        set -- stat -c '%s/%.9Y/%n'
        case $(stat -c %.9Y .) in *[!0-9.]*) set -- stat -c '%s/%Y/%n' ;; esac
    elif stat -f %m . >/dev/null 2>&1; then
        set -- stat -f '%z/%Fm/%N'
    else
        # shellcheck disable=SC2016 # for the inner shell
        set -- sh -c 'for f do printf "%s\n" "$(($(wc -c <"$f")))/-/$f"; done' sh
    fi
    (cd "$raw_root" && find "$raw_name" -type f -exec "$@" {} +) | sort -t / -k 3 >"$work/files"
    [ -s "$work/files" ] || stop 3 "reading $raw: it is empty; put the archives there"
}

make_plan() {
    $awk_program -f "$here/dates.awk" -f "$here/sample.awk" -f "$here/plan.awk" "$work/events" "$work/files" \
        >"$work/plan" || stop 1 "planning $raw: $awk_program failed; try another one, AWK=mawk"
    grep -qv '^not_a_log/' "$work/plan" ||
        stop 3 "reading $raw: no file there matches an event's pattern; check RAW, or describe the logs with --event"
}

read_plan() { # one line of the plan into variables; false at its end
    IFS=/ read -r status event date day_field fields customer separator header twin size modified stem path
}

# Splits the plan into $work/todo (to be unpacked), $work/rows (what is none) and $work/current (done before).
sort_plan() {
    : >"$work/todo" && : >"$work/current"
    while read_plan; do
        checksum=''
        case $status in
        not_a_log) add_row not_a_log ;;
        copy) skip_copy ;;
        undated) skip_undated ;;
        log) if [ "$twin" = 1 ] && is_twin; then skip_twin; else sort_log; fi ;;
        esac
    done <"$work/plan"
}

skip_undated() {
    add_row undated
    say "skipping $path: its name has no valid date and its lines have none; rename it to YYYYMMDD_..."
}

skip_copy() {
    original=$(printf '%s\n' "$path" | sed 's/ ([0-9][0-9]*)//')
    cmp -s "$raw_root/$path" "$raw_root/$original" ||
        say "skipping $path as a copy of $original, but their bytes differ; if it is a log of its own, rename it"
    add_row duplicate
}

skip_twin() {
    say "skipping $path: the same bytes as $first"
    add_row duplicate
}

# True when an earlier log has the same checksum and, to be sure, the same bytes. Keeps the first of each.
is_twin() {
    checksum=$(checksum_of "$path")
    first=$(cat "$work/claims/$checksum.$size" 2>/dev/null)
    [ -z "$first" ] || { cmp -s "$raw_root/$first" "$raw_root/$path" && return 0; }
    printf '%s\n' "$path" >"$work/claims/$checksum.$size"
    return 1
}

sort_log() {
    settings="$rules_version/$event/$date/$day_field/$fields/$customer/$separator/$header/$sample"
    if is_current; then
        printf '%s\n' "$stem" >>"$work/current"
    else
        todo_line="$event/$date/$day_field/$fields/$customer/$separator/$header/$size/$modified/$stem/$path"
        printf '%s\n' "$todo_line" >>"$work/todo"
    fi
}

checksum_of() {
    summed=$(cksum <"$raw_root/$1" 2>/dev/null)
    printf '%s' "${summed%% *}"
}

# Does the record say that this archive, by size and time or by size and checksum, was unpacked with these settings,
# and are its files still there?
is_current() {
    record=$landing_root/.done/$stem.record
    [ -f "$record" ] || return 1
    ended='' old_settings='' old_size='' old_modified='' old_checksum='' old_path=''
    while IFS=$tab read -r key value; do
        case $key in
        settings) old_settings=$value ;;
        path) old_path=$value ;;
        stat) IFS=/ read -r old_size old_modified old_checksum <<STAT
$value
STAT
            ;;
        file) [ -f "$landing_root/$value" ] || return 1 ;;
        end) ended=1 ;;
        esac
    done <"$record"
    [ -n "$ended" ] && [ "$settings" = "$old_settings" ] && [ "$path" = "$old_path" ] && [ "$size" = "$old_size" ] || return 1
    [ "$modified" != - ] && [ "$modified" = "$old_modified" ] && return 0
    [ "$(checksum_of "$path")" = "$old_checksum" ] || return 1
    sed "s:^stat$tab.*:stat$tab$size/$modified/$old_checksum:" "$record" >"$work/record" && mv "$work/record" "$record"
}

refuse_other_rate() {
    other=$(find "$landing_root/.done" -name '*.record' -exec sed -n 's/^settings.*\///p' {} + |
        grep -vxF -e "$sample" | head -n 1)
    [ -z "$other" ] ||
        stop 3 "writing $landing: it holds a sample of $other, not $sample; empty the folder or use --sample $other"
}

# Unpublishes archives that are gone or no longer logs, and files that a killed run left without a record.
remove_leftovers() {
    rm -f "$landing_root"/.*.csv.new
    { cat "$work/current" && sed 's:^\([^/]*/\)\{9\}\([^/]*\)/.*:\2:' "$work/todo"; } >"$work/wanted"
    (cd "$landing_root/.done" && find . -name '*.record') | sed 's:^\./::; s:\.record$::' |
        grep -vxF -f "$work/wanted" | while read -r stem; do
        say "removing what came from $stem, which is no longer in $raw"
        forget "$stem"
    done
    owned_files >"$work/owned"
    (cd "$landing_root" && find . -name '*.log' \( -path './*/date=*/*' -o -path './rejected/*/*' \)) |
        sed 's:^\./::' | grep -vxF -f "$work/owned" | while IFS= read -r orphan; do
        rm -f "$landing_root/$orphan"
    done
}

owned_files() {
    echo / # grep -f with no line at all differs between greps; no file is named so
    find "$landing_root/.done" -name '*.record' -exec sed -n "s/^file$tab//p" {} +
}

forget() { # the record first: what has no record does not exist
    record=$landing_root/.done/$1.record
    [ -f "$record" ] || return 0
    sed -n "s/^file$tab//p" "$record" >"$work/forgotten"
    rm -f "$record"
    while IFS= read -r file; do
        rm -f "$landing_root/$file"
        rmdir "$landing_root/${file%/*}" 2>/dev/null
    done <"$work/forgotten"
}

# ---------------------------------------------------------------- unpacking one archive (in a worker)

# The two patterns of what no line may hold, for grep and awk alike, in bytes so that no locale is needed.
# They say what is wrong, not what is right: grep then runs through a whole file at once, twice as fast.
make_patterns() {
    tail_byte=$(printf '[\200-\277]')
    other=$(printf '([^\200-\277]|$)')
    UNPACK_MALFORMED_UTF8=$(
        printf '[\300\301\365-\377]|\340[\200-\237]|\355[\240-\277]|\360[\200-\217]|\364[\220-\277]' # no such character
        printf '|(^|[^\200-\377])%s' "$tail_byte"                                                     # a tail alone
        printf '|[\302-\337](%s|%s%s)' "$other" "$tail_byte" "$tail_byte"                             # 1 tail byte
        printf '|[\340-\357](%s|%s(%s|%s%s))' "$other" "$tail_byte" "$other" "$tail_byte" "$tail_byte"
        printf '|[\360-\364](%s|%s(%s|%s(%s|%s%s)))' "$other" "$tail_byte" "$other" "$tail_byte" "$other" \
            "$tail_byte" "$tail_byte"
    )
    UNPACK_CONTROL_CHARACTER=$(printf '[^\t\040-\377]')
    export UNPACK_MALFORMED_UTF8 UNPACK_CONTROL_CHARACTER
}

find_defects() { grep -anE -e "$UNPACK_CONTROL_CHARACTER|$UNPACK_MALFORMED_UTF8"; }

# Not every grep works on bytes, and some awks end a line at a NUL: try, and go the slower way if need be.
try_tools() {
    found=$(printf 'caf\303\251\t1\nx\303(\nno\000\n\343\201\202\nx\033\n' | find_defects 2>/dev/null | cut -d : -f 1 | tr '\n' ' ')
    look=1
    [ "$found" != '2 3 5 ' ] || look=0
    nul_safe=0
    [ "$(printf 'a\000b\n' | $awk_program '{ print length($0) }')" != 3 ] || nul_safe=1
    sort_memory=''
    ! echo | sort -S 64M >/dev/null 2>&1 || sort_memory='-S 64M' # GNU sort takes half the machine otherwise
}

text_of() { # the archive's text, every member after the other
    case $1 in
    *.tar.gz | *.tgz) tar -xzOf - <"$1" ;;
    *.gz) gzip -dc <"$1" ;;
    *) cat <"$1" ;;
    esac
}

# Unpacks into the current folder: days/YYYY-MM-DD, rejected, record; or error, with "failed" in front or "uneven".
unpack_archive() {
    refuse_compression && checksum=$(checksum_of "$path") && split_lines && find_days && check_lines && write_record
}

fail() { # fail MESSAGE: into the file that tells the publisher
    printf 'failed\n%s\n' "$1" >error
    return 1
}

fail_for_space() { fail "unpacking $path: files cannot be written; free space in $landing"; }

refuse_compression() {
    case $path in
    *.gz | *.tgz) return 0 ;;
    *.bz2 | *.xz | *.zst | *.zip | *.7z | *.rar | *.Z | *.tar) fail "reading $path: this kind of archive is not known; repack it as .tar.gz or .gz" ;;
    *)
        [ "$(dd bs=2 count=1 <"$raw_root/$path" 2>/dev/null | od -An -tx1 | tr -d ' ')" != 1f8b ] ||
            fail "reading $path: it is compressed, but its name does not end in .gz; finish its transfer or rename it"
        ;;
    esac
}

split_lines() {
    careful=$look
    # In these the line that grep would see is no longer the line as it came.
    [ "$separator" = tab ] && [ "$day_field" = 0 ] || careful=1
    kept_file=days/$date
    [ "$day_field" = 0 ] || kept_file=undivided
    { text_of "$raw_root/$path" 2>source_errors || : >source_failed; } | judge_lines "$careful" >"$kept_file" 2>awk_errors ||
        { fail "unpacking $path: $(last_line awk_errors); free space in $landing, or try another awk, AWK=mawk"; return 1; }
    [ ! -e source_failed ] || { fail "reading $path: $(last_line source_errors); fetch the archive again"; return 1; }
    read -r lines dropped_header kept repaired left_out records blank count_line too_few too_many undated \
        not_utf8 control_character too_long <counts || { fail_for_space; return 1; }
    [ "$careful" = 1 ] || drop_defects
}

judge_lines() {
    if [ "$nul_safe" = 1 ]; then run_lines_awk "$1"; else tr '\000' '\001' | run_lines_awk "$1"; fi
}

run_lines_awk() {
    $awk_program -f "$here/dates.awk" -f "$here/sample.awk" -f "$here/defects.awk" -f "$here/lines.awk" \
        -v fields="$fields" -v customer="$customer" -v day_field="$day_field" -v separator="$separator" \
        -v header="$header" -v limit="$limit" -v look="$1"
}

last_line() { tail -n 1 "$1" | tr -d '\000-\037'; }

drop_defects() {
    find_defects <"$kept_file" >defective || [ $? = 1 ] || { fail_for_space; return 1; }
    [ -s defective ] || return 0
    $awk_program -f "$here/defects.awk" -f "$here/drop_defects.awk" "$kept_file" >clean && mv clean "$kept_file" &&
        read -r more_not_utf8 more_control <dropped || { fail_for_space; return 1; }
    not_utf8=$((not_utf8 + more_not_utf8))
    control_character=$((control_character + more_control))
    kept=$((kept - more_not_utf8 - more_control))
    records=$((records - more_not_utf8 - more_control))
}

find_days() {
    [ "$day_field" != 0 ] || return 0
    # shellcheck disable=SC2086 # two words or none
    sort -s -k 1,1 -t "$tab" -T . $sort_memory undivided >sorted && rm undivided &&
        $awk_program -f "$here/split_days.awk" sorted || fail_for_space
}

# Nothing may vanish between the archive and the files: counts what lies on the disk and compares. Makes "measured":
# lines, bytes and name of "rejected" and of each file in "days".
check_lines() {
    rejected=$((blank + count_line + too_few + too_many + undated + not_utf8 + control_character + too_long))
    [ -f rejected ] || : >rejected
    set -- days/*
    [ -f "$1" ] || set --
    wc -lc rejected "$@" >measured
    on_disk=0 rejected_on_disk=0
    while read -r file_lines _ file; do
        case $file in
        rejected) rejected_on_disk=$file_lines ;;
        days/*) on_disk=$((on_disk + file_lines)) ;;
        esac
    done <measured
    [ "$lines" -eq $((dropped_header + kept + left_out + rejected)) ] && [ "$records" -eq "$on_disk" ] &&
        [ "$rejected" -eq "$rejected_on_disk" ] && return 0
    printf 'uneven\nchecking %s: %s lines in, but %s header + %s kept + %s left out + %s rejected; ' \
        "$path" "$lines" "$dropped_header" "$kept" "$left_out" "$rejected" >error
    printf '%s records counted, %s written; %s rejected written; free space in %s, or try another awk, AWK=mawk\n' \
        "$records" "$on_disk" "$rejected_on_disk" "$landing" >>error
    return 1
}

# The record: what was unpacked how, its row of manifest.csv, the files it owns and their rows of days.csv.
write_record() {
    shown=$(quoted "$path")
    {
        printf 'settings\t%s\npath\t%s\nstat\t%s\n' "$settings" "$path" "$size/$modified/$checksum"
        printf 'row\t%s,%s,unpacked,%s,%s,%s,' "$shown" "$event" "$size" "$checksum" "$sample"
        printf '%s,%s,%s,%s,%s,%s,%s,' "$lines" "$dropped_header" "$kept" "$repaired" "$left_out" "$rejected" "$records"
        printf '%s,%s,%s,%s,%s,%s,%s,%s\n' "$blank" "$count_line" "$too_few" "$too_many" "$undated" "$not_utf8" \
            "$control_character" "$too_long"
        while read -r file_lines file_bytes file; do
            record_file
        done <measured
        echo end # without this line, in a full disk's last breath, it is no record
    } >record.new && mv record.new record || fail_for_space
}

record_file() { # a file without lines is not published
    case $file_lines/$file in
    0/*) ;;
    */rejected) printf 'file\t%s\n' "rejected/$event/$stem.log" ;;
    */days/*)
        day_file=$event/date=${file#days/}/$stem.log
        printf 'file\t%s\n' "$day_file"
        printf 'day\t%s\n' "$event,${file#days/},$day_file,$shown,$file_lines,$file_bytes"
        ;;
    esac
}

# ---------------------------------------------------------------- workers and the publisher

# Each worker takes the next archive that no other has claimed; what it finished it names on standard output.
run_worker() {
    number=0
    while IFS=/ read -r event date day_field fields customer separator header size modified stem path; do
        number=$((number + 1))
        claim "$work/claims/$number" || continue
        settings="$rules_version/$event/$date/$day_field/$fields/$customer/$separator/$header/$sample"
        mkdir -p "$work/$number/days" && cd "$work/$number" || exit 1
        unpack_archive </dev/null
        printf '%s\n' "$number/$event/$size/$stem/$path"
    done <"$work/todo"
}

claim() { # makes the file, or is false when another worker has made it
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

# Only this process publishes: workers that outlive a killed run cannot touch what the next run publishes.
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
    [ "$finished" -eq "$total" ] || stop 1 "unpacking $raw: a worker died, $finished of $total archives done; run it again"
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
    say "$finished/$total $path: $lines lines, $kept kept ($repaired records repaired), $rejected rejected, $left_out left out"
}

stop_publishing() {
    stop 3 "publishing $path: files cannot be moved within $landing; check its rights and run again"
}

move_file() { # move_file PATH: from the worker's folder to its place in LANDING
    case $1 in
    rejected/*) source=rejected ;;
    *) source=${1#*/date=} && source=days/${source%%/*} ;;
    esac
    [ -d "$landing_root/${1%/*}" ] || mkdir -p "$landing_root/${1%/*}" || return 1
    mv "$work/$number/$source" "$landing_root/$1"
}

give_up() {
    forget "$stem"
    { read -r why && read -r message; } <"$work/$number/error" || { why=failed message="unpacking $path: the worker died; run it again"; }
    say "$finished/$total $message"
    checksum=''
    add_row failed
    if [ "$why" = uneven ]; then worst=4; elif [ "$worst" = 0 ]; then worst=3; fi
}

# ---------------------------------------------------------------- manifest.csv and days.csv

quoted() {
    case $1 in
    *[,\"]*) printf '"%s"' "$(printf '%s' "$1" | sed 's/"/""/g')" ;;
    *) printf '%s' "$1" ;;
    esac
}

add_row() { # add_row STATUS: a row of the manifest for a file that gave nothing
    printf '%s\n' "$(quoted "$path"),$event,$1,$size,$checksum,$sample,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0" >>"$work/rows"
}

write_tables() {
    {
        echo "archive,event,status,bytes,checksum,sample,lines,header,kept,repaired,left_out,rejected,records,rejected_blank,rejected_count_line,rejected_too_few_fields,rejected_too_many_fields,rejected_undated,rejected_not_utf8,rejected_control_character,rejected_too_long"
        { records_say row && cat "$work/rows"; } | sort
    } | put_in_place manifest.csv
    {
        echo "event,date,file,archive,records,bytes"
        records_say day | sort
    } | put_in_place days.csv
}

records_say() { find "$landing_root/.done" -name '*.record' -exec sed -n "s/^$1$tab//p" {} +; }

put_in_place() { # untouched when nothing changed, so that its time tells when something did
    cat >"$work/$1" || stop 3 "writing $landing/$1: free space there"
    cmp -s "$work/$1" "$landing_root/$1" || mv "$work/$1" "$landing_root/$1" || stop 3 "writing $landing/$1: check its rights"
}

main() {
    read_options "$@"
    find_folders
    make_patterns
    try_tools
    take_lock
    start_work_folder
    list_files
    make_plan
    refuse_other_rate
    sort_plan
    remove_leftovers
    unpack_all
    write_tables
    exit "$worst"
}

main "$@"
