# shellcheck shell=sh disable=SC2034,SC2154 # unpack.sh sources this; the parts share its variables
# what is to be done: lists the files, sorts them by plan.awk and by the records of earlier runs, removes leftovers.

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
    $awk_program -f "$here/dates.awk" -f "$here/plan.awk" "$work/events" "$work/files" \
        >"$work/plan" || stop 1 "planning $raw: $awk_program failed; try another one, AWK=mawk"
    grep -qv '^not_a_log/' "$work/plan" ||
        stop 3 "reading $raw: no file there matches an event's pattern; check RAW, or describe the logs with --event"
}

read_plan() { # one line of the plan into variables; false at its end
    IFS=/ read -r status event date day_field fields customer separator header format names zone twin alike size \
        modified stem path
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

# What is in an archive's record: with anything else it would have to be unpacked again.
name_settings() {
    layout="$event/$date/$day_field/$fields/$customer/$separator/$header/$format/$names/$zone"
    settings="$rules_version/$layout/$sample"
}

# The ordinary CRC-32, which gzip writes at its end; cksum computes another one.
crc32_of() {
    # shellcheck disable=SC2046 # four bytes, the lowest first
    set -- $(printf %s "$1" | gzip -c | tail -c 8 | od -A n -t u1 -N 4)
    echo $(($1 + 256 * ($2 + 256 * ($3 + 256 * $4))))
}

sort_log() {
    [ "$alike" = 0 ] || stem=$stem-$(crc32_of "$path")
    name_settings
    if is_current; then
        printf '%s\n' "$stem" >>"$work/current"
    else
        printf '%s\n' "$layout/$size/$modified/$stem/$path" >>"$work/todo"
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
        row) has_all_columns "${value##*",$event,unpacked,$size,"}" || return 1 ;;
        end) ended=1 ;;
        esac
    done <"$record"
    [ -n "$ended" ] && [ "$settings" = "$old_settings" ] || return 1
    [ "$path" = "$old_path" ] && [ "$size" = "$old_size" ] || return 1
    [ "$modified" != - ] && [ "$modified" = "$old_modified" ] && return 0
    checksum=$(checksum_of "$path")
    [ -n "$checksum" ] && [ "$checksum" = "$old_checksum" ] || return 1
    sed "s:^stat$tab.*:stat$tab$size/$modified/$old_checksum:" "$record" >"$work/record" && mv "$work/record" "$record"
}

# Does a row, from its checksum on, count the lines of every reason? A table with another reason is newer than it.
has_all_columns() {
    old_ifs=$IFS
    IFS=,
    # shellcheck disable=SC2086 # one word for each column
    set -- $1
    IFS=$old_ifs
    [ $# -eq $((columns + 2)) ]
}

refuse_other_rate() {
    other=$(find "$landing_root/.done" -name '*.record' -exec sed -n 's/^settings.*\///p' {} + |
        grep -vxF -e "$sample" | head -n 1)
    [ -z "$other" ] ||
        stop 3 "writing $landing: it holds a sample of $other, not $sample; empty the folder or use --sample $other"
}

# Unpublishes archives that are gone or no longer logs, and files that a killed run left without a record.
remove_leftovers() {
    { cat "$work/current" && sed 's:^\([^/]*/\)\{12\}\([^/]*\)/.*:\2:' "$work/todo"; } >"$work/wanted"
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
