# shellcheck shell=sh disable=SC2034,SC2154 # unpack.sh sources this; the parts share its variables
# Writes manifest.csv and days.csv.

quoted() {
    case $1 in
    *[,\"]*) printf '"%s"' "$(printf '%s' "$1" | sed 's/"/""/g')" ;;
    *) printf '%s' "$1" ;;
    esac
}

# Makes "reasons", the names of reasons.tsv in their order, and "columns", the number of counts in a row of the
# manifest.
read_reasons() {
    reasons='' columns=7
    while IFS=$tab read -r name _; do
        case $name in '' | '#'*) continue ;; esac
        reasons="$reasons $name"
        columns=$((columns + 1))
    done <"$here/reasons.tsv"
    no_counts=$(printf "%${columns}s" '' | sed 's/ /,0/g')
}

add_row() { # add_row STATUS: adds a row of the manifest for a file without lines
    printf '%s\n' "$(quoted "$path"),$event,$1,$size,$checksum,$sample$no_counts" >>"$work/rows"
}

write_tables() {
    {
        printf %s archive,event,status,bytes,checksum,sample,
        printf %s lines,header,kept,repaired,left_out,rejected,records
        # shellcheck disable=SC2086 # one word for each reason
        printf ',rejected_%s' $reasons
        echo
        { records_say row && cat "$work/rows"; } | sort
    } >"$work/manifest.csv" && put_in_place manifest.csv
    {
        echo "event,date,file,archive,records,bytes"
        records_say day | sort
    } >"$work/days.csv" && put_in_place days.csv
}

records_say() { find "$landing_root/.done" -name '*.record' -exec sed -n "s/^$1$tab//p" {} +; }

put_in_place() { # keeps an equal file, so that its time tells when it changed last
    cmp -s "$work/$1" "$landing_root/$1" || mv "$work/$1" "$landing_root/$1" ||
        stop 3 "writing $landing/$1: cannot replace the file; check its rights"
}
