# Finds defects of a text: a customer's network address, bytes that are not UTF-8, control characters.
# make_patterns in archive.sh makes the patterns, since grep uses the same ones.

BEGIN {
    malformed_utf8 = ENVIRON["UNPACK_MALFORMED_UTF8"]
    control_character = ENVIRON["UNPACK_CONTROL_CHARACTER"]
    client_address = ENVIRON["UNPACK_CLIENT_ADDRESS"]
}

function defect_of(text) {
    if (text ~ client_address) return "client_address"
    # In some services most lines are plain ASCII. This check is ten times cheaper than the next one.
    if (text !~ /[^\t -~]/) return ""
    if (text ~ malformed_utf8) return "not_utf8"
    if (text ~ control_character) return "control_character"
    return ""
}
