# Rejects lines for a reason of reasons.tsv, and counts them.
# Variables: reasons, the names in the order of the table; private, 1 if texts that are set aside must not be kept, since
# they may have what the event hashes or drops. Makes "rejected" and "counts" in the current folder.

BEGIN {
    reason_count = split(reasons, reason_name, " ")
    for (i = 1; i <= reason_count; i++) is_reason[reason_name[i]] = 1
}

function reject(reason, raw_line) {
    if (!(reason in is_reason)) {
        print "the reason " reason " is missing in shell/unpack/reasons.tsv" > "/dev/stderr"
        failed = 1
        exit 1
    }
    by_reason[reason]++
    if (private && raw_line !~ /^([(][0-9]+ characters, not kept[)]|[ \t]*)$/)
        raw_line = "(" length(raw_line) " characters, not kept)"
    print reason "\t" raw_line >> "rejected"
}

# Writes one line: the six numbers, then the number of rejected lines for each reason.
function write_counts(lines, dropped, kept, repaired, left_out, records,    text, i) {
    text = lines + 0 " " dropped + 0 " " kept + 0 " " repaired + 0 " " left_out + 0 " " records + 0
    for (i = 1; i <= reason_count; i++) text = text " " (by_reason[reason_name[i]] + 0)
    print text > "counts"
}
