# shellcheck shell=sh disable=SC2034,SC2154 # unpack.sh sources this; the parts share its variables
# Unpacks one archive into the current folder. Runs in a worker.

# Makes the patterns of what no line may contain, in bytes, so that no locale is needed. awk uses all of them, grep all
# but that of the address. They describe what is wrong, not what is right: so grep reads a whole file in half the time.
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
    # A customer's network address inside a field, such as "7>(203.0.113.7)TM". It is personal data: the line is
    # rejected.
    UNPACK_CLIENT_ADDRESS='[(][0-9]+[.][0-9]+[.][0-9]+[.][0-9]+[)]'
    export UNPACK_MALFORMED_UTF8 UNPACK_CONTROL_CHARACTER UNPACK_CLIENT_ADDRESS
}

find_defects() { grep -aE -e "$UNPACK_CONTROL_CHARACTER|$UNPACK_MALFORMED_UTF8"; }

# Not every grep works on bytes, and some awks end a line at a NUL. Tries both, and takes the slower way where needed.
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

# Starts the Python that reads archives for this worker. It is started once, since this takes longer than to read a
# small archive. Requests go to descriptor 3, answers come from descriptor 4.
start_reader() { # start_reader NUMBER
    pipes=$work/reader$1
    rm -rf "$pipes"
    mkdir "$pipes" && mkfifo "$pipes/requests" "$pipes/answers" "$pipes/text" || return 1
    "$python" -S "$here/read_archives.py" "$raw_root" "$work" "$pipes/text" \
        <"$pipes/requests" >"$pipes/answers" 2>"$pipes/said" &
    reader=$!
    exec 3>"$pipes/requests" 4<"$pipes/answers"
}

# Lets the reader write the archive's text, and awk judge its lines. Makes reader_status (of read_archives.py; "died" if
# it gave no answer), given_records, header_lines and reader_said. False if awk failed.
read_archive() {
    zone_name=''
    [ "$format" = lines ] || zone_name=$(printf %s "$zone" | tr : /)
    judge_lines "$careful" <"$pipes/text" >"$kept_file" 2>awk_errors &
    judge=$!
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$number" "$files" "$members" "$header" "$names" \
        "$customer" "$day_field" "$zone_name" "$spec" "$path" >&3 2>/dev/null
    if ! IFS=/ read -r reader_status given_records header_lines reader_said <&4; then
        reader_status=died given_records=0 header_lines=0
        kill -9 "$judge" 2>/dev/null # one that has just begun would pass TERM over, and wait for the text for ever
    fi
    wait "$judge" 2>/dev/null
}

restart_reader() { # after it died; says its status
    exec 3>&- 4<&-
    wait "$reader"
    died_with=$?
    start_reader "$worker"
}

# Makes days/YYYY-MM-DD, rejected and record in the current folder; or error, whose first line is "failed" or "uneven".
unpack_archive() {
    split_lines && find_days && check_lines && write_record
}

fail() { # fail MESSAGE: writes the file that the publisher reads
    printf 'failed\n%s\n' "$1" >error
    return 1
}

fail_for_space() { fail "unpacking $path: cannot write files; free space in $landing and run it again"; }

split_lines() {
    careful=$look private=0
    case $spec in *%22private%22%3Atrue*) private=1 ;; esac # as spec.py reads it
    # With these settings grep would not see the line as it came.
    [ "$separator" = tab ] && [ "$day_field" = 0 ] || careful=1
    kept_file=days/$date
    [ "$day_field" = 0 ] || kept_file=undivided
    read_archive
    judged=$?
    if [ "$reader_status" = died ]; then
        restart_reader
        fail "unpacking $path: $python died with status $died_with; free memory and run it again"
        return 1
    elif [ -e sample_failed ]; then # checked first: the commands before and after it in the pipe then fail, too
        fail "unpacking $path: $python ended with status $(cat sample_failed), $(last_line sample_said); run it again"
        return 1
    elif [ "$judged" != 0 ]; then
        fail "unpacking $path: $(last_line awk_errors); free space in $landing, or try another awk, AWK=mawk"
        return 1
    elif [ "$reader_status" != 0 ]; then
        fail "reading $path: $reader_said"
        return 1
    fi
    [ "$careful" = 1 ] || drop_defects || return 1
    read -r lines dropped_header kept repaired left_out records by_reason <counts || { fail_for_space; return 1; }
    given=$lines
    [ "$sample" = 1 ] || given=$(last_line sample_said)
    [ "$format" = lines ] || given=$given_records
    dropped_header=$((dropped_header + header_lines)) lines=$((lines + header_lines)) # the reader drops and counts them
    case $given in '' | *[!0-9]*) ;; *) given=$((given + header_lines)) ;; esac
}

judge_lines() {
    if [ "$nul_safe" = 1 ]; then judge_sampled "$1"; else tr '\000' '\001' | judge_sampled "$1"; fi
}

judge_sampled() {
    if [ "$sample" = 1 ]; then
        run_lines_awk "$1"
    else
        sample_lines "$fields" "$customer" "$separator" | run_lines_awk "$1" -f "$here/sampled.awk"
    fi
}

sample_lines() { "$python" -I -S "$here/sample.py" "$limit" "$@" 2>sample_said || echo $? >sample_failed; }

run_lines_awk() { # run_lines_awk LOOK OPTIONS...
    careful=$1
    shift
    $awk_program -f "$here/dates.awk" -f "$here/reasons.awk" -f "$here/defects.awk" "$@" -f "$here/lines.awk" \
        -v fields="$fields" -v day_field="$day_field" -v separator="$separator" \
        -v format="$format" -v look="$careful" -v reasons="$reasons" -v private="$private"
}

last_line() { tail -n 1 "$1" | tr -d '\000-\037'; }

drop_defects() {
    find_defects <"$kept_file" >defective || [ $? = 1 ] || { fail_for_space; return 1; }
    [ -s defective ] || return 0
    $awk_program -f "$here/reasons.awk" -f "$here/defects.awk" -f "$here/drop_defects.awk" -v reasons="$reasons" \
        -v private="$private" "$kept_file" >clean && mv clean "$kept_file" || fail_for_space
}

find_days() {
    [ "$day_field" != 0 ] || return 0
    # shellcheck disable=SC2086 # two words or none
    sort -s -k 1,1 -t "$tab" -T . $sort_memory undivided >sorted && rm undivided &&
        $awk_program -f "$here/split_days.awk" sorted || fail_for_space
}

# Checks that no line is lost between the archive and the files, by counting the lines on the disk. Makes "measured":
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
    [ "$lines" = "$given" ] && [ "$lines" -eq $((dropped_header + kept + left_out + rejected)) ] &&
        [ "$records" -eq "$on_disk" ] && [ "$rejected" -eq "$rejected_on_disk" ] && return 0
    printf 'uneven\nchecking %s: %s lines given, %s read, but %s header + %s kept + %s left out + %s rejected; ' \
        "$path" "$given" "$lines" "$dropped_header" "$kept" "$left_out" "$rejected" >error
    {
        printf '%s records counted, %s written; ' "$records" "$on_disk"
        printf '%s rejected lines written; free space in %s, or try another awk, AWK=mawk\n' "$rejected_on_disk" "$landing"
    } >>error
    return 1
}

quoted() {
    case $1 in
    *[,\"]*) printf '"%s"' "$(printf '%s' "$1" | sed 's/"/""/g')" ;;
    *) printf '%s' "$1" ;;
    esac
}

# Writes the record: the archive, its settings, its row of manifest.csv, its files and their rows of days.csv.
write_record() {
    shown=$(quoted "$path")
    {
        printf 'settings\t%s\npath\t%s\ncontent\t%s\n' "$settings" "$path" "$size/$checksum"
        printf 'row\t%s,%s,unpacked,%s,%s,%s,' "$shown" "$event" "$size" "$checksum" "$sample"
        printf '%s,%s,%s,%s,%s,%s,%s' "$lines" "$dropped_header" "$kept" "$repaired" "$left_out" "$rejected" "$records"
        # shellcheck disable=SC2086 # one word for each reason
        printf ',%s' $by_reason
        echo
        sed -n "/^hidden$tab/p; /^skipped$tab/p" members
        while read -r file_lines file_bytes file; do
            record_file
        done <measured
        echo end # a record without this line was cut off by a full disk, and is not valid
    } >record || { rm -f record; fail_for_space; }
}

record_file() { # skips a file without lines
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
