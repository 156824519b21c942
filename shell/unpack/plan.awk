# Plans what to do with each file in RAW, by its name alone.
#
# Needs dates.awk. First input: the events, one per line, tab separated (name, files, fields, customer, day, separator,
# header, format, names, zone). Second input: the files, sorted by name, as size/modified/path. Output: one line per
# file, to be read with IFS=/, since only the path, which comes last, can contain a slash:
#   status/event/date/day_field/fields/customer/separator/header/format/names/zone/twin/alike/size/modified/stem/path
# status is log, not_a_log, copy (of the file of the same name without " (1)") or undated. twin is 1 for a log if
# another log has the same size, and so perhaps the same bytes. stem is the name of the log's files in LANDING, and
# alike is 1 if another log has the same stem.

FNR == NR { event_count++; event_line[event_count] = $0; pattern[event_count] = pattern_of($2); next }

{
    file_count++
    size[file_count] = before_slash($0)
    rest = after_slash($0)
    modified[file_count] = before_slash(rest)
    path[file_count] = after_slash(rest)
    sub(/^\.\//, "", path[file_count])
    is_there[path[file_count]] = 1
}

END {
    for (i = 1; i <= file_count; i++) classify(i)
    for (i = 1; i <= file_count; i++) show(i)
}

function before_slash(text) { return substr(text, 1, index(text, "/") - 1) }
function after_slash(text) { return substr(text, index(text, "/") + 1) }

function classify(i,    name, event, original, given, day) {
    name = path[i]
    sub(/.*\//, "", name)
    event = event_of(name)
    status[i] = "not_a_log"
    layout[i] = "//0///tab/0/lines//UTC"
    if (!event) return
    split(event_line[event], given, "\t")
    split(given[5], day, ",")
    date[i] = day[1] == "name" ? day_of(substr(name, 1, 8)) : ""
    day_field[i] = date[i] != "" ? 0 : day[1] == "name" ? day[2] + 0 : day[1]
    layout[i] = given[1] "/" date[i] "/" day_field[i] "/" given[3] "/" given[4] "/" given[6] "/" given[7] \
        "/" given[8] "/" given[9] "/" given[10]
    original = path[i]
    sub(/ \([0-9]+\)/, "", original)
    status[i] = "log"
    if (original != path[i] && original in is_there) status[i] = "copy"
    else if (date[i] == "" && !day_field[i]) status[i] = "undated"
    if (status[i] != "log") return
    same_size[size[i]]++
    stem[i] = stem_of(path[i])
    same_stem[tolower(stem[i])]++
}

function show(i) {
    print status[i] "/" layout[i] "/" (same_size[size[i]] > 1 && status[i] == "log") \
        "/" (same_stem[tolower(stem[i])] > 1) "/" size[i] "/" modified[i] "/" stem[i] "/" path[i]
}

# No logs: hidden files, which copying leaves behind (._NAME, .NAME.part), and lists of customers (*.uids*).
function event_of(name,    event) {
    if (name ~ /^\./ || name ~ /\.uids/ || name == "list.html") return 0
    for (event = 1; event <= event_count; event++)
        if (name ~ pattern[event]) return event
    return 0
}

# Converts a shell pattern (*, ?, [...]) into a regular expression.
function pattern_of(glob,    at, one, out) {
    for (at = 1; at <= length(glob); at++) {
        one = substr(glob, at, 1)
        if (one == "*") out = out ".*"
        else if (one == "?") out = out "."
        else if (index(".+(){}^$|\\", one)) out = out "[" (one == "^" || one == "\\" ? "\\" : "") one "]"
        else out = out one
    }
    gsub(/\[!/, "[^", out)
    return "^" out "$"
}

function stem_of(name) {
    sub(/\.(tar\.gz|tgz|gz)$/, "", name)
    sub(/\.(log|txt)$/, "", name)
    gsub(/[^A-Za-z0-9._-]/, "_", name)
    return name
}
