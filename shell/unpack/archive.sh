# shellcheck shell=sh disable=SC2034,SC2154 # unpack.sh sources this; the parts share its variables
# unpacks one archive into the current folder, in a worker.

# The patterns of what no line may hold, for awk and (but for the address) grep alike, in bytes so that no locale is needed.
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
    # As services leak it into a field, "7>(203.0.113.7)TM": it tells who somebody is, and goes no further.
    UNPACK_CLIENT_ADDRESS='[(][0-9]+[.][0-9]+[.][0-9]+[.][0-9]+[)]'
    export UNPACK_MALFORMED_UTF8 UNPACK_CONTROL_CHARACTER UNPACK_CLIENT_ADDRESS
}

find_defects() { grep -aE -e "$UNPACK_CONTROL_CHARACTER|$UNPACK_MALFORMED_UTF8"; }

# Not every grep works on bytes, and some awks end a line at a NUL: try, and go the slower way if need be.
try_tools() {
    found=$(printf 'caf\303\251\t1\nb\303(\nc\000\n\343\201\202\ne\033\n' | find_defects 2>/dev/null |
        cut -c 1 | tr '\n' ' ')
    look=1
    [ "$found" != 'b c e ' ] || look=0
    nul_safe=0
    [ "$(printf 'a\000b\n' | $awk_program '{ print length($0) }')" != 3 ] || nul_safe=1
    sort_memory=''
    ! echo | sort -S 64M >/dev/null 2>&1 || sort_memory='-S 64M' # GNU sort takes half the machine otherwise
}

# The archive's lines, of records as records.py makes them. A pipe's status is that of its last command: whoever fails
# before it leaves a file.
source_lines() {
    if [ "$format" = records ]; then source_text | land_records; else source_text; fi
}

source_text() { text_of "$raw_root/$path" 2>source_errors || : >source_failed; }

land_records() {
    "$python" "$here/records.py" "$names" "$day_field" "$(printf %s "$zone" | tr : /)" 2>records_said ||
        echo $? >records_failed
}

text_of() { # the archive's text, every member after the other; the path begins with / (tar: a:b is on host a)
    case $1 in
    *.tar.gz | *.tgz) tar -xzOf "$1" ;; # not from -: GNU tar would copy it once more
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
    *.bz2 | *.xz | *.zst | *.zip | *.7z | *.rar | *.Z | *.tar)
        fail "reading $path: this kind of archive is not known; repack it as .tar.gz or .gz"
        ;;
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
    if ! source_lines | judge_lines "$careful" >"$kept_file" 2>awk_errors; then
        fail "unpacking $path: $(last_line awk_errors); free space in $landing, or try another awk, AWK=mawk"
        return 1
    elif [ -e sample_failed ]; then # first, since whoever writes to it then fails as well
        fail "unpacking $path: $python ended with status $(cat sample_failed), $(last_line sample_said); run it again"
        return 1
    elif [ -e records_failed ] && [ "$(cat records_failed)" -gt 3 ]; then # it was killed, and nobody read the source
        fail "unpacking $path: $python died with status $(cat records_failed); free memory, and run it again"
        return 1
    elif [ -e source_failed ]; then
        fail "reading $path: $(last_line source_errors); fetch the archive again"
        return 1
    elif [ -e records_failed ]; then
        fail "reading $path: $(last_line records_said)"
        return 1
    fi
    [ "$careful" = 1 ] || drop_defects || return 1
    read -r lines dropped_header kept repaired left_out records by_reason <counts || fail_for_space
}

judge_lines() {
    if [ "$nul_safe" = 1 ]; then judge_sampled "$1"; else tr '\000' '\001' | judge_sampled "$1"; fi
}

judge_sampled() {
    if [ "$sample" = 1 ]; then
        run_lines_awk "$1"
    else
        sample_lines "$fields" "$customer" "$separator" "$header" | run_lines_awk "$1" -f "$here/sampled.awk"
    fi
}

sample_lines() { "$python" -I -S "$here/sample.py" "$limit" "$@" 2>sample_said || echo $? >sample_failed; }

run_lines_awk() { # run_lines_awk LOOK OPTIONS...
    careful=$1
    shift
    $awk_program -f "$here/dates.awk" -f "$here/reasons.awk" -f "$here/defects.awk" "$@" -f "$here/lines.awk" \
        -v fields="$fields" -v day_field="$day_field" -v separator="$separator" -v header="$header" \
        -v format="$format" -v look="$careful" -v reasons="$reasons"
}

last_line() { tail -n 1 "$1" | tr -d '\000-\037'; }

drop_defects() {
    find_defects <"$kept_file" >defective || [ $? = 1 ] || { fail_for_space; return 1; }
    [ -s defective ] || return 0
    $awk_program -f "$here/reasons.awk" -f "$here/defects.awk" -f "$here/drop_defects.awk" -v reasons="$reasons" \
        "$kept_file" >clean && mv clean "$kept_file" || fail_for_space
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
    rejected=0
    for count in $by_reason; do rejected=$((rejected + count)); done
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
    given=$lines
    [ "$sample" = 1 ] || given=$(last_line sample_said)
    [ "$format" = lines ] || given=$(last_line records_said)
    [ "$lines" = "$given" ] && [ "$lines" -eq $((dropped_header + kept + left_out + rejected)) ] &&
        [ "$records" -eq "$on_disk" ] && [ "$rejected" -eq "$rejected_on_disk" ] && return 0
    printf 'uneven\nchecking %s: %s lines given, %s in, but %s header + %s kept + %s left out + %s rejected; ' \
        "$path" "$given" "$lines" "$dropped_header" "$kept" "$left_out" "$rejected" >error
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
        printf '%s,%s,%s,%s,%s,%s,%s' "$lines" "$dropped_header" "$kept" "$repaired" "$left_out" "$rejected" "$records"
        # shellcheck disable=SC2086 # one word for each reason
        printf ',%s' $by_reason
        echo
        while read -r file_lines file_bytes file; do
            record_file
        done <measured
        echo end # without this line, in a full disk's last breath, it is no record
    } >record || { rm -f record; fail_for_space; }
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
