# shellcheck shell=sh disable=SC2034,SC2154 # unpack.sh sources this; the parts share its variables
# manifest.csv and days.csv.

quoted() {
    case $1 in
    *[,\"]*) printf '"%s"' "$(printf '%s' "$1" | sed 's/"/""/g')" ;;
    *) printf '%s' "$1" ;;
    esac
}

add_row() { # add_row STATUS: a row of the manifest for a file that gave nothing
    printf '%s\n' "$(quoted "$path"),$event,$1,$size,$checksum,$sample,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0" >>"$work/rows"
}

write_tables() {
    {
        printf %s archive,event,status,bytes,checksum,sample,
        printf %s lines,header,kept,repaired,left_out,rejected,records,
        printf %s rejected_blank,rejected_count_line,rejected_too_few_fields,rejected_too_many_fields,
        printf %s rejected_undated,rejected_not_utf8,rejected_control_character,
        echo rejected_client_address,rejected_too_long,rejected_unreadable_record
        { records_say row && cat "$work/rows"; } | sort
    } >"$work/manifest.csv" && put_in_place manifest.csv
    {
        echo "event,date,file,archive,records,bytes"
        records_say day | sort
    } >"$work/days.csv" && put_in_place days.csv
}

records_say() { find "$landing_root/.done" -name '*.record' -exec sed -n "s/^$1$tab//p" {} +; }

put_in_place() { # untouched when nothing changed, so that its time tells when something did
    cmp -s "$work/$1" "$landing_root/$1" || mv "$work/$1" "$landing_root/$1" ||
        stop 3 "writing $landing/$1: check its rights"
}
