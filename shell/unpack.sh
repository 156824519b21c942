#!/bin/sh
# Unpacks raw log archives into text lines of the right shape, one folder per event and day. See --help.
#
# Steps: list the files; plan what to do with each, by its name (plan.awk); let workers unpack each archive into a
# folder of its own under LANDING/.work (lines.awk); publish the archives one at a time: remove the old files, rename
# the new ones into place, then write the archive's record into LANDING/.done. Files without a record count as missing:
# the next run removes them and unpacks the archive again. So a kill at any moment costs only the archives in progress.

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
rules_version=4 # part of every record; raise it when lines are judged differently, and all archives are unpacked again
music_events='play files=*play.log* fields=9 customer=1 day=name
down files=*down.log* fields=6 customer=1 day=name
search files=*search.log* fields=4 customer=1 day=name,3'

show_help() {
    cat <<'HELP'
usage: unpack.sh RAW LANDING [--sample RATE] [--jobs N] [--event 'NAME key=value ...']...

Unpacks the raw logs in RAW (a folder with its subfolders, or one file; .tar.gz, .tgz, .gz or plain text) into LANDING.
The next run unpacks only archives that are new or changed, and removes the files of archives that no longer exist. It
can be killed at any moment and run again.

  --sample RATE  share of the customers to keep, 0 < RATE <= 1 (default 1): those with
                 crc32(id without leading zeros and surrounding spaces) mod 10000 < 10000 * RATE. A smaller sample is
                 part of every larger one. A RATE below 1 needs Python 3.11
  --jobs N       number of archives unpacked at the same time (default: the number of cores)
  --event SPEC   describes one event, and can be given several times. It replaces the events of the music service:
                   play files=*play.log* fields=9 customer=1 day=name
                   down files=*down.log* fields=6 customer=1 day=name
                   search files=*search.log* fields=4 customer=1 day=name,3
                 files      shell pattern of the names of the files
                 fields     number of fields of a line
                 customer   number of the field with the customer's id
                 day        name: YYYYMMDD at the start of the file's name; N: field N of the line, YYYY-MM-DD or
                            YYYYMMDD; name,N: from the name, or from field N if the name has no day
                 separator  tab (default) or space (any number of spaces and tabs; written as one tab)
                 header     number of first lines to drop (default 0)
               format=records reads CSV with a header and JSON lines, and needs Python 3.11:
                   visit files=*visit* fields=2 customer=1 day=2 format=records names=customer_id,visited_at zone=UTC
                 format     lines (default) or records: one per CSV record or JSON object, fields by name
                 names      the fields in order, each a column of the CSV header or a key of the JSON objects
                 zone       time zone, an IANA name (default UTC). The time in the field of day is converted to it, and
                            the day is taken from it; a time without an offset is in this zone already

Output in LANDING:
  EVENT/date=YYYY-MM-DD/ARCHIVE.log  tab separated lines, all with the right number of fields
  rejected/EVENT/ARCHIVE.log         reason, tab, the line as it came (of a valid CSV record or JSON object, its fields)
  manifest.csv                       one row per file in RAW, in lines: lines = header + kept + left_out + rejected
  days.csv                           one row per landed file: event, date, file, archive, records, bytes

Exit status: 0 done; 1 an error of unpack.sh itself; 2 bad usage; 3 bad or missing input (all other archives are
unpacked); 4 the lines read and the lines written of an archive do not agree. Environment: AWK is the awk to use
(default awk), PYTHON the Python (default python3).
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
