# One idea: reads the notes of sample.py, which stand between the lines. Comes before lines.awk, and only in a sample.
#
# A note is "DROPPED OUTSIDE OUTSIDE_JOINED" and tabs, and speaks of the next line, whatever that line looks like. All
# lines without a note have the right number of fields, and their customers are in the sample.

BEGIN { noted = -1 }

NR != noted + 1 && NF != fields && NR > header {
    noted = NR
    whole = -1  # lines.awk must look at the next line
    split($1, note, " ")
    if (note[1] > 0) settle_waiting()
    left_out += note[1]
    unseen += note[1] - 1  # the note itself is no line of the log
    outside = note[2] ? NR + 1 : 0
    outside_joined = note[3] ? NR + 1 : 0
    next
}
