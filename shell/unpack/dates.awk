# Reads days. day_of(text) is YYYY-MM-DD for a text that begins with YYYY-MM-DD or with exactly 8 digits YYYYMMDD, and
# "" for any other text and for days that do not exist (2017-03-39, 2017-02-29).

function day_of(text,    head) {
    head = substr(text, 1, substr(text, 5, 1) == "-" ? 10 : 8)
    if (substr(text, length(head) + 1, 1) ~ /[0-9]/) return ""
    # Only valid days are kept, so this table has at most as many entries as the calendar has days.
    if (head in known_day) return known_day[head]
    return checked_day(head)
}

function checked_day(head,    digits, year, month, day) {
    if (head ~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$/)
        digits = substr(head, 1, 4) substr(head, 6, 2) substr(head, 9, 2)
    else if (head ~ /^[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]$/)
        digits = head
    else
        return ""
    year = substr(digits, 1, 4) + 0
    month = substr(digits, 5, 2) + 0
    day = substr(digits, 7, 2) + 0
    if (year < 1970 || year > 2099 || month < 1 || month > 12) return ""
    if (day < 1 || day > days_in_month(year, month)) return ""
    known_day[head] = sprintf("%04d-%02d-%02d", year, month, day)
    return known_day[head]
}

function days_in_month(year, month) {
    if (month == 2) return year % 4 == 0 ? 29 : 28  # right from 1970 to 2099
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31
}
