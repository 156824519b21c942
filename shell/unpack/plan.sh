# shellcheck shell=sh disable=SC2034,SC2154 # unpack.sh sources this; the parts share its variables
# Plans the work: lists the files, sorts them by plan.awk and by the records of earlier runs, and removes leftovers.

# Makes $work/files: size/modified/path, sorted by path. Times are in nanoseconds if stat knows them. Without stat they
# are "-", and only checksums tell whether an archive has changed.
list_files() {
    [ -z "$(cd "$raw_root" && find "$raw_name" -type f -name "*$newline*")" ] ||
        stop 3 "reading $raw: the name of a file contains a line break; rename that file"
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
        >"$work/plan" || stop 1 "planning $raw: $awk_program failed; try another awk, AWK=mawk"
    grep -qv '^not_a_log/' "$work/plan" ||
        stop 3 "reading $raw: no file matches the pattern of an event; check RAW, or describe the logs by --event"
}

read_plan() { # reads one line of the plan into variables; false at its end
    IFS=/ read -r status event date day_field fields customer separator header format names zone twin alike size \
        modified stem path
}

# Splits the plan into $work/todo (archives to unpack), $work/current (already unpacked) and $work/rows (all other
# files).
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
    say "skipping $path: neither its name nor its lines have a valid date; rename it to YYYYMMDD_..."
}

skip_copy() {
    original=$(printf '%s\n' "$path" | sed 's/ ([0-9][0-9]*)//')
    cmp -s "$raw_root/$path" "$raw_root/$original" ||
        say "skipping $path: it is named as a copy of $original, but the bytes differ; if it is a log, rename it"
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

# Makes the settings in an archive's record. An archive whose record has other settings is unpacked again.
name_settings() {
    layout="$event/$date/$day_field/$fields/$customer/$separator/$header/$format/$names/$zone"
    settings="$rules_version/$layout/$sample"
}

# The CRC-32 of zlib, which gzip writes at the end of its output. (cksum computes another CRC.)
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

# True if this archive is unpacked already: its record has the same settings, the same size, and the same time or
# checksum, and its files exist.
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

# True if a row, given from its checksum on, has a count for every reason. If not, reasons.tsv is newer than the row.
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
        stop 3 "writing $landing: it contains a sample of $other, not $sample; empty the folder or use --sample $other"
}

# Removes the files of archives that no longer exist or are no longer logs, and files that a killed run left behind.
remove_leftovers() {
    { cat "$work/current" && sed 's:^\([^/]*/\)\{12\}\([^/]*\)/.*:\2:' "$work/todo"; } >"$work/wanted"
    (cd "$landing_root/.done" && find . -name '*.record') | sed 's:^\./::; s:\.record$::' |
        grep -vxF -f "$work/wanted" | while read -r stem; do
        say "removing the files of $stem, which is no longer in $raw"
        forget "$stem"
    done
    owned_files >"$work/owned"
    (cd "$landing_root" && find . -name '*.log' \( -path './*/date=*/*' -o -path './rejected/*/*' \)) |
        sed 's:^\./::' | grep -vxF -f "$work/owned" | while IFS= read -r orphan; do
        rm -f "$landing_root/$orphan"
    done
}

owned_files() {
    echo / # never a file's name; greps disagree about a pattern file without lines
    find "$landing_root/.done" -name '*.record' -exec sed -n "s/^file$tab//p" {} +
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
