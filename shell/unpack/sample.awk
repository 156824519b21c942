# One idea: is this customer in the sample?
# in_sample(id, limit): crc32(id without leading zeros) mod 10000 < limit, with the ordinary crc32 of zlib, gzip
# and SQL, so that the shell and the jobs pick the same customers.
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
    sub(/^0+/, "", plain)
    if (plain == "" && id != "") plain = "0"
    return chosen[id] = crc32(plain) % 10000 < limit
}

function crc32(text,    at, length_, low, second, third, high, entry) {
    if (!crc_ready) make_crc_tables()
    low = second = third = high = 255
    length_ = length(text)
    for (at = 1; at <= length_; at++) {
        entry = exclusive_or[low * 256 + code_of[substr(text, at, 1)]]
        low = exclusive_or[crc_low[entry] * 256 + second]
        second = exclusive_or[crc_second[entry] * 256 + third]
        third = exclusive_or[crc_third[entry] * 256 + high]
        high = crc_high[entry]
    }
    return (255 - low) + 256 * ((255 - second) + 256 * ((255 - third) + 256 * (255 - high)))
}

function make_crc_tables(    i, j, bit, low, second, third, high, odd) {
    crc_ready = 1
    for (i = 1; i < 256; i++) code_of[sprintf("%c", i)] = i
    exclusive_or[0] = 0
    for (i = 0; i < 256; i++)
        for (j = i ? 0 : 1; j < 256; j++)
            exclusive_or[i * 256 + j] = 2 * exclusive_or[int(i / 2) * 256 + int(j / 2)] + (i % 2 != j % 2)
    for (i = 0; i < 256; i++) {
        low = i
        second = third = high = 0
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
