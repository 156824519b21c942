#!/bin/sh
# Judges lines as a worker of unpack.sh does, for preview.py: reads them from standard input, writes the kept ones to
# standard output, with the day and a tab in front if the lines have it, and makes "rejected" in the current folder.
#
#   sh judge.sh FIELDS DAY_FIELD SEPARATOR FORMAT

# shellcheck disable=SC2034 # archive.sh uses the variables
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
awk_program=${AWK:-awk} tab=$(printf '\t') sample=1 private=0
fields=$1 day_field=$2 separator=$3 format=$4

. "$here/plan.sh"
. "$here/archive.sh"

read_reasons
make_patterns
try_tools
judge_lines 1
