# One idea: takes the lines that grep found defective out of the kept ones, or only the CR at their end.
# Needs defects.awk. Reads the kept records; "defective" in the current folder holds the bad ones in their order (the
# lines, not their numbers: counting lines costs grep a fifth more). Appends them to "rejected" and writes "dropped":
# how many not_utf8, control_character.

BEGIN { bad = next_bad() }

some_left && $0 "" == bad {
    bad = next_bad()
    sub(/\r$/, "")
    reason = defect_of($0)
    if (reason != "") {
        by_reason[reason]++
        print reason "\t" $0 >> "rejected"
        next
    }
}

{ print }

END { print by_reason["not_utf8"] + 0, by_reason["control_character"] + 0 > "dropped" }

function next_bad(    found) {
    some_left = (getline found < "defective") > 0
    return found ""
}
