# Judges each line of a log: keeps it, repairs it, leaves it out of the sample or rejects it with a reason.
#
# Needs dates.awk, reasons.awk and defects.awk; in a sample also sampled.awk, which sets "outside" and "unseen".
# Variables:
#   fields             number of fields of a record
#   day_field          number of the field with the day; 0 if the archive's name has the day
#   separator          "tab" or "space"
#   format             "records" if records.py made the lines from CSV or JSON (lines.py describes them)
#   look               1 to look for defects in every line here, 0 if grep does it afterwards (3 times cheaper)
# Standard output: the records, tab separated, with the day and a tab in front if day_field is set. Files in the
# current folder: "rejected" (reason, tab, line as it came) and "counts" (see reasons.awk).

BEGIN {
    FS = "\t"
    longest_bytes = 65536
    # In a simple log, a line with the right number of fields needs no further check. This decides the speed, so one
    # variable, "whole", tells it: the number of fields, or -1 if the next line needs all checks. It does until the
    # first line has shown whether lines end with CR, and while the first half of a record waits for the second.
    simple = separator == "tab" && !day_field && !look
    whole = -1
}

# An address contains a dot. Few lines do, so only those are checked for an address.
NF == whole && length($0) <= longest_bytes && (!index($0, ".") || $0 !~ client_address) {
    whole_records++
    print
    next
}

format == "records" && /^\r/ {
    told = index($0, "\t")
    reason = substr($0, 2, told - 2)
    raw = substr($0, told + 1)
    if (reason == "header") dropped++
    else reject(length(raw) > longest_bytes ? "too_long" : reason, raw)
    next
}

{
    raw = $0
    if (raw ~ /\r$/) raw = substr(raw, 1, length(raw) - 1)
    if (!looked++ && raw != $0) simple = 0  # drop_defects.awk removes a CR that comes later
    whole = simple ? fields : -1
}

length(raw) > longest_bytes { settle_waiting(); reject("too_long", raw); next }

{
    line = separator == "space" ? with_single_tabs(raw) : raw
    if (line != $0) $0 = line
}

NF == fields { settle_waiting(); take(line, raw); next }

NF == fields + 1 && $1 == "" { settle_waiting(); take_repaired(substr(line, 2), raw); next }

# The second half of a broken record. Must come before the count line: "<tab><tab>0" (an empty singer) looks like one.
waiting && waiting_fields + NF - 1 == fields { take_joined(waiting_line line, waiting_raw, raw); next }

line ~ /^[ \t]*$/ { settle_waiting(); reject("blank", raw); next }

line ~ /^[ \t]*-?[0-9]+[ \t]*$/ { settle_waiting(); reject("count_line", raw); next }

NF > fields { settle_waiting(); reject("too_many_fields", raw); next }

# All other lines have too few fields. They may be the first half of a broken record.
{ settle_waiting() }

$1 ~ /^-?[0-9]+$/ { waiting = 1; whole = -1; waiting_fields = NF; waiting_line = line; waiting_raw = raw; next }

{ reject("too_few_fields", raw) }

END {
    if (failed) exit 1
    settle_waiting()
    kept += whole_records
    records += whole_records
    write_counts(NR + unseen, dropped, kept, repaired, left_out, records)
}

function with_single_tabs(text) {
    gsub(/[ \t]+/, "\t", text)
    sub(/^\t/, "", text)
    sub(/\t$/, "", text)
    return text
}

function take_repaired(record, raw_line) {
    $0 = record
    if (take(record, raw_line)) repaired++
}

function take_joined(record, first_raw, second_raw) {
    waiting = 0
    outside = outside_joined
    $0 = record
    if (take(record, first_raw, second_raw)) repaired++
}

# Takes the record in $0; true if it is kept. With second_raw, the record comes from two lines.
function take(record, first_raw, second_raw,    lines, reason, day) {
    lines = second_raw == "" ? 1 : 2
    if (NR == outside) { left_out += lines; return 0 }
    # grep finds whole lines only, so a repaired record is always checked here.
    if (look || record != first_raw) reason = defect_of(record)
    else if (record ~ client_address) reason = "client_address"
    if (reason == "" && day_field) {
        day = day_of($day_field)
        if (day == "") reason = "undated"
    }
    if (reason != "") {
        reject(reason, first_raw)
        if (lines == 2) reject(reason, second_raw)
        return 0
    }
    kept += lines
    records++
    print day_field ? day "\t" record : record
    return 1
}

function settle_waiting() {
    if (!waiting) return
    waiting = 0
    reject("too_few_fields", waiting_raw)
}
