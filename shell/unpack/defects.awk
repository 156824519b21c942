# One idea: can this text be read as UTF-8 without control characters, and does it keep a client's address to itself?
# unpack.sh makes the patterns, since grep looks for the same ones (see make_patterns there).

BEGIN {
    malformed_utf8 = ENVIRON["UNPACK_MALFORMED_UTF8"]
    control_character = ENVIRON["UNPACK_CONTROL_CHARACTER"]
    client_address = ENVIRON["UNPACK_CLIENT_ADDRESS"]
}

function defect_of(text) {
    if (text ~ client_address) return "client_address"
    # Most lines hold plain ASCII only in some services, and this look is ten times cheaper than the next.
    if (text !~ /[^\t -~]/) return ""
    if (text ~ malformed_utf8) return "not_utf8"
    if (text ~ control_character) return "control_character"
    return ""
}
