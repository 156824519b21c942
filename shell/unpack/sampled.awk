# Reads the notes that sample.py writes between the lines. Loaded before lines.awk, and only with --sample below 1.
#
# A note is "DROPPED OUTSIDE OUTSIDE_JOINED" and tabs, and is about the next line, whatever that line looks like. Every
# line without a note has the right number of fields, and its customer is in the sample.

BEGIN { noted = -1 }

NR != noted + 1 && NF != fields {
    noted = NR
    whole = -1  # lines.awk must look at the next line
    split($1, note, " ")
    if (note[1] > 0) settle_waiting()
    left_out += note[1]
    unseen += note[1] - 1  # the note itself is not a line of the log
    outside = note[2] ? NR + 1 : 0
    outside_joined = note[3] ? NR + 1 : 0
    next
}
