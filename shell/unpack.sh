#!/bin/sh
# Unpacks raw log archives into text lines of the right shape, one folder per event and day. See --help.
#
# Steps: plan what to do with each file, by its name and content (plan.py); let workers read each archive's members
# (read_archives.py) and judge their lines (lines.awk) in a folder of its own under LANDING/.work; publish the archives
# one at a time: remove the old files, rename the new ones into place, then write the archive's record into
# LANDING/.done; write the lists (settle.py). Files without a record count as missing: the next run removes them and
# unpacks the archive again. So a kill at any moment costs only the archives in progress.

# shellcheck disable=SC2034,SC2154 # variables are shared with the parts in unpack/
set -u
LC_ALL=C
export LC_ALL
unset CDPATH

here=$(cd "$(dirname "$0")" && pwd)/unpack
awk_program=${AWK:-awk}
python=${PYTHON:-python3}
case $python in [!/]*/*) python=$PWD/$python ;; esac # workers change the folder
tab=$(printf '\t')
newline='
'
rules_version=7 # part of every record; raise it when lines are judged differently, and all archives are unpacked again
music_events='play files=*play.log* fields=9 customer=1 day=name
down files=*down.log* fields=6 customer=1 day=name
search files=*search.log* fields=4 customer=1 day=name,3'

show_help() {
    cat <<'HELP'
usage: unpack.sh RAW LANDING [--sample RATE] [--jobs N] [--prune] [--event 'NAME key=value ...']...

Unpacks the raw logs in RAW (a folder with its subfolders, or one file) into LANDING: text, plain or packed by gzip,
bzip2, xz, zip, tar or, with the Python package zstandard, by Zstandard. What a file is, its content says. Text is
landed in the composed form of Unicode (NFC). The next run unpacks only archives whose content is new or changed. RAW is
a delivery: lines of archives that are not in it stay. It can be killed at any moment and run again.

  --sample RATE  share of the customers to keep, 0 < RATE <= 1 (default 1): those with
                 crc32(id without leading zeros and surrounding spaces) mod 10000 < 10000 * RATE. A smaller sample is
                 part of every larger one
  --jobs N       number of archives unpacked at the same time (default: the number of cores)
  --prune        removes the lines of archives that are not in RAW, after naming them, and takes the new version of an
                 archive also where it has fewer lines than the landed one
  --event SPEC   describes one event, and can be given several times. It replaces the events of the music service:
                   play files=*play.log* fields=9 customer=1 day=name
                   down files=*down.log* fields=6 customer=1 day=name
                   search files=*search.log* fields=4 customer=1 day=name,3
                 files      shell pattern of the names of the files, in upper or lower case; of several members of an
                            archive, those that match are used, or all if none does
                 fields     number of fields of a line
                 customer   number of the field with the customer's id
                 day        name: YYYYMMDD or YYYY-MM-DD in the file's name, or else in that of its folder; N: field N
                            of the line, in one of these forms; name,N: from the file's name, or from field N if that
                            has no day
                 members    shell pattern of the names within archives: only those that match are used
                 separator  tab (default) or space (any number of spaces and tabs; written as one tab)
                 header     number of first lines of each file or member to drop (default 0)
               format=records reads CSV with a header and JSON:
                   visit files=*visit* fields=2 customer=1 day=2 format=records names=customer_id,visited_at zone=UTC
                 format     lines (default) or records: one per CSV record or JSON object, fields by name
                 names      the fields in order, each a column of the CSV header or a key of the JSON objects
                 zone       time zone, an IANA name (default UTC). The time in the field of day is converted to it, and
                            the day is taken from it; a time without an offset is in this zone already
                 spec       instead of names and zone: the whole layout, with the sources of the fields, as JSON text
                            (shell/unpack/spec.py), percent-encoded; `encore unpack` makes it of a service

Output in LANDING:
  EVENT/date=YYYY-MM-DD/ARCHIVE.log  tab separated lines, all with the right number of fields
  rejected/EVENT/ARCHIVE.log         reason, tab, the line as it came (of a valid CSV record or JSON object, its fields)
  manifest.csv                       one row per archive, in lines: lines = header + kept + left_out + rejected. Status:
                                     unpacked; earlier (landed, and not in RAW); refused (the lines of an earlier
                                     version are landed, RAW has a worse one); duplicate, undated, not_a_log, failed
                                     (no lines)
  days.csv                           one row per landed file: event, date, file, archive, records, bytes
  unused.csv                         files and members of archives in RAW that are not used: archive, member, reason

Exit status: 0 done; 1 an error of unpack.sh itself; 2 bad usage; 3 bad or missing input (all other archives are
unpacked); 4 the lines read and the lines written of an archive do not agree, or an archive came again with lines
missing. Environment: AWK is the awk to use (default awk), PYTHON the Python, 3.11 or later (default python3).
HELP
}

say() { printf 'unpack: %s\n' "$*" >&2; }

stop() { # stop STATUS MESSAGE...
    stop_status=$1
    shift
    say "$@"
    exit "$stop_status"
}

is_count() { # a whole number from 1 that fits into the shell's arithmetic
    case $1 in '' | 0* | *[!0-9]* | ??????????*) return 1 ;; esac
}

. "$here/options.sh"
. "$here/folders.sh"
. "$here/plan.sh"
. "$here/archive.sh"
. "$here/publish.sh"

main() {
    read_reasons
    read_options "$@"
    find_folders
    make_patterns
    try_tools
    take_lock
    start_work_folder
    make_plan
    unpack_all
    write_lists
    [ -z "$failed" ] || say "not unpacked, see above: $failed"
    exit "$worst"
}

main "$@"
