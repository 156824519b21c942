# Removes the lines that grep found defective from the kept records, or only the CR at their end.
#
# Needs reasons.awk and defects.awk. Reads the kept records. "defective" in the current folder has the defective lines
# in their order (lines, not line numbers, which cost grep a fifth more time). Appends them to "rejected", and corrects
# the numbers in "counts".

BEGIN { bad = next_bad() }

some_left && $0 "" == bad {
    bad = next_bad()
    sub(/\r$/, "")
    reason = defect_of($0)
    if (reason != "") {
        dropped++
        reject(reason, $0)
        next
    }
}

{ print }

END {
    if (failed) exit 1
    getline counts < "counts"
    close("counts")
    split(counts, before, " ")
    for (i = 1; i <= reason_count; i++) by_reason[reason_name[i]] += before[6 + i]
    write_counts(before[1], before[2], before[3] - dropped, before[4], before[5], before[6] - dropped)
}

function next_bad(    found) {
    some_left = (getline found < "defective") > 0
    return found ""
}
