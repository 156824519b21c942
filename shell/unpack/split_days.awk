# Writes records that are sorted by day into one file per day in the folder "days". Only one file is open at a time.

{ day = substr($0, 1, 10) }

day != open_day {
    if (file != "") close(file)
    open_day = day
    file = "days/" day
}

{ print substr($0, 12) > file }
