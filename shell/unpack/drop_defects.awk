# One idea: takes the lines that grep found defective out of the kept ones, or only the CR at their end.
# Needs defects.awk. Reads the kept records; "defective" in the current folder names the bad ones in order, as
# grep -n does (NUMBER:line). Appends them to "rejected" and writes "dropped": how many not_utf8, control_character.

BEGIN { bad = next_bad() }

NR == bad {
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

function next_bad(    found) { return (getline found < "defective") > 0 ? found + 0 : 0 }
