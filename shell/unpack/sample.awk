# One idea: is this customer in the sample?
# in_sample(id, limit): crc32(id without spaces around and leading zeros) mod 10000 < limit, with the ordinary crc32 of
# zlib, gzip and SQL, so that the shell and the jobs pick the same customers.
#
# awk has no bit operations (mawk, BSD), so exclusive-or is looked up byte by byte, and a checksum is held as its
# four bytes, lowest first.

function in_sample(id, limit,    plain) {
    if (id in chosen) return chosen[id]
    if (chosen_size >= 200000) {  # bounds the memory; a customer forgotten is only worked out again
        split("", chosen)
        chosen_size = 0
    }
    chosen_size++
    plain = id
    gsub(/^ +| +$/, "", plain)
    sub(/^0+/, "", plain)
    if (plain == "" && id != "") plain = "0"
    return chosen[id] = crc32(plain) % 10000 < limit
}

# A checksum is linear: that of "168550892" is that of "16855" and four zero bytes, xor the bare one of "0892".
# Customers share few such heads and tails, so both are kept and most checksums cost one xor.
function crc32(text,    cut, head, tail) {
    if (!exclusive_or_ready) make_crc_tables()
    cut = length(text) - 4
    if (cut <= 0) return whole_crc(text)
    head = substr(text, 1, cut)
    tail = substr(text, cut + 1)
    if (!(head in head_low)) keep_head(head)
    if (!(tail in tail_low)) keep_tail(tail)
    return exclusive_or[head_low[head] + tail_low[tail]] \
        + 256 * (exclusive_or[head_second[head] + tail_second[tail]] \
        + 256 * (exclusive_or[head_third[head] + tail_third[tail]] \
        + 256 * exclusive_or[head_high[head] + tail_high[tail]]))
}

function whole_crc(text) {
    start_crc(255)
    add_bytes(text)
    return (255 - low) + 256 * ((255 - second) + 256 * ((255 - third) + 256 * (255 - high)))
}

# Times 256, so that adding a tail's byte gives the place in the table of exclusive-ors.
function keep_head(head) {
    if (++heads > 100000) { heads = 1; split("", head_low) }
    start_crc(255)
    add_bytes(head)
    add_zero_bytes(4)
    head_low[head] = 256 * (255 - low)
    head_second[head] = 256 * (255 - second)
    head_third[head] = 256 * (255 - third)
    head_high[head] = 256 * (255 - high)
}

function keep_tail(tail) {
    if (++tails > 100000) { tails = 1; split("", tail_low) }
    start_crc(0)
    add_bytes(tail)
    tail_low[tail] = low; tail_second[tail] = second; tail_third[tail] = third; tail_high[tail] = high
}

function start_crc(byte) { low = second = third = high = byte }

function add_bytes(text,    at, length_) {
    length_ = length(text)
    for (at = 1; at <= length_; at++) add_byte(code_of[substr(text, at, 1)])
}

function add_zero_bytes(count) { while (count-- > 0) add_byte(0) }

function add_byte(byte,    entry) {
    entry = exclusive_or[low * 256 + byte]
    low = exclusive_or[crc_low[entry] * 256 + second]
    second = exclusive_or[crc_second[entry] * 256 + third]
    third = exclusive_or[crc_third[entry] * 256 + high]
    high = crc_high[entry]
}

function make_crc_tables(    i, j, bit, odd) {
    exclusive_or_ready = 1
    for (i = 1; i < 256; i++) code_of[sprintf("%c", i)] = i
    exclusive_or[0] = 0
    for (i = 0; i < 256; i++)
        for (j = i ? 0 : 1; j < 256; j++)
            exclusive_or[i * 256 + j] = 2 * exclusive_or[int(i / 2) * 256 + int(j / 2)] + (i % 2 != j % 2)
    for (i = 0; i < 256; i++) {
        start_crc(0)
        low = i
        for (bit = 0; bit < 8; bit++) {  # shift right by one bit; where a one fell out, add EDB88320
            odd = low % 2
            low = int(low / 2) + second % 2 * 128
            second = int(second / 2) + third % 2 * 128
            third = int(third / 2) + high % 2 * 128
            high = int(high / 2)
            if (odd) {
                low = exclusive_or[low * 256 + 32]         # 20
                second = exclusive_or[second * 256 + 131]  # 83
                third = exclusive_or[third * 256 + 184]    # B8
                high = exclusive_or[high * 256 + 237]      # ED
            }
        }
        crc_low[i] = low; crc_second[i] = second; crc_third[i] = third; crc_high[i] = high
    }
}
