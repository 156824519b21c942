#!/bin/sh
# Unpacks raw log archives into text lines of the right shape, one folder per event and day. See --help.
#
# The way through: list the files, plan what to do with each by its name (plan.awk), let workers unpack each archive
# into a folder of its own under LANDING/.work (lines.awk), and publish one at a time: old files away, new files in by
# rename, then the archive's record in LANDING/.done. Whatever has no record does not exist: the next run removes it
# and does it again, so a kill at any moment costs one archive's time and nothing else.

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
rules_version=4 # in every record: raise it when lines are judged or counted differently, and all is unpacked again
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
                 crc32(id without leading zeros and spaces around) mod 10000 < 10000 * RATE, so 1 % is inside 10 %;
                 below 1 it needs Python 3.11
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
               CSV with a header and JSON lines, whichever a file begins as, are records; they need Python 3.11:
                   visit files=*visit* fields=2 customer=1 day=2 format=records names=customer_id,visited_at zone=UTC
                 format     lines (default) or records: one per CSV record or JSON object, fields by name
                 names      the fields in their order, each a column of the CSV header or a key of the JSON objects
                 zone       the clock, an IANA name (default UTC), on which the field of day is written, and from
                            which the day is taken; a time without an offset is on this clock already

LANDING gets
  EVENT/date=YYYY-MM-DD/ARCHIVE.log  tab separated lines, all with the right number of fields
  rejected/EVENT/ARCHIVE.log         reason, tab, the line as it came (of a good CSV record or JSON object, its fields)
  manifest.csv                       one row per file in RAW, in lines: lines = header + kept + left_out + rejected
  days.csv                           one row per landed file: event, date, file, archive, records, bytes

Exit status: 0 done; 1 a defect here; 2 bad usage; 3 bad or missing input (the other archives are done); 4 lines in
and lines out of an archive do not agree. The environment's AWK names the awk to use, PYTHON the Python (python3).
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

. "$here/options.sh"
. "$here/folders.sh"
. "$here/plan.sh"
. "$here/archive.sh"
. "$here/publish.sh"
. "$here/tables.sh"

main() {
    read_reasons
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
