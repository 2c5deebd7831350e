#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# 100,000 values in and out, by each program in its own form, for rows 8 and 9:
#
#   exchange.sh prepare|run SCRATCH REG import|export LANE ROUND
#
# What `prepare` does is not timed. Each import has values of its own; the registry has those of all rounds, a peer only
# those of its last one.
set -eu

step=$1 scratch=$2 reg=$3 direction=$4 lane=$5 round=$6
dir=$scratch/exchange/$lane
key="SOFTWARE\\Exchange\\$lane$round"

# values FORM: 1,000 keys with 100 values each.
values() {
        key=$key awk -v form="$1" -v round="$round" 'BEGIN {
                key = path = ENVIRON["key"]
                gsub(/\\/, "/", path)
                if (form == "reg") {
                        print "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Exchange]\n"
                        printf "[HKEY_LOCAL_MACHINE\\%s]\n", key
                } else if (form == "yaml")
                        print "peios-registry: 1\nkeys:"
                else if (form == "json")
                        printf "{\"keys\":["
                else if (form == "sql")
                        print "create table value (key text, name text, data text, primary key (key, name)) without rowid; begin;"
                for (k = 0; k < 1000; k++) {
                        if (form == "reg")
                                printf "\n[HKEY_LOCAL_MACHINE\\%s\\K%05d]\n", key, k
                        else if (form == "yaml")
                                printf "  \\%s\\K%05d:\n", key, k
                        else if (form == "json")
                                printf "%s{\"path\":\"Machine/%s/K%05d\",\"values\":[", k ? ",\n" : "", path, k
                        else if (form == "dconf")
                                printf "[k%05d]\n", k
                        for (v = 0; v < 100; v++) {
                                text = sprintf("value %d of key %d in round %d", v, k, round)
                                if (form == "reg")
                                        printf "\"V%02d\"=\"%s\"\n", v, text
                                else if (form == "yaml")
                                        printf "    V%02d: !sz %s\n", v, text
                                else if (form == "json")
                                        printf "%s{\"name\":\"V%02d\",\"type\":\"sz\",\"data\":\"%s\"}", v ? "," : "", v, text
                                else if (form == "dconf")
                                        printf "v%02d='\''%s'\''\n", v, text
                                else
                                        printf "insert into value values ('\''%s\\K%05d'\'', '\''V%02d'\'', '\''%s'\'');\n",
                                                key, k, v, text
                        }
                        if (form == "json")
                                printf "]}"
                }
                print form == "json" ? "]}" : form == "sql" ? "commit;" : ""
        }' >"$dir/values"
}

on_bus() {
        "$scratch/on-bus" exchange "$@"
}

prepare_import() {
        rm -rf "$dir"
        mkdir -p "$dir"
        case $lane in
        hivexregedit)
                values reg
                cp "$scratch/exchange/empty.regf" "$dir/hive"
                ;;
        net)
                values reg
                mkdir -m 755 "$dir/samba"
                {
                        echo '[global]'
                        for name in 'private dir' 'state directory' 'cache directory' 'lock directory' 'pid directory'; do
                                echo "$name = $dir/samba"
                        done
                } >"$dir/smb.conf"
                net -s "$dir/smb.conf" registry createkey 'HKLM\SOFTWARE' >/dev/null
                ;;
        dconf)
                values dconf
                on_bus dconf reset -f /exchange/
                ;;
        sqlite3) values sql ;;
        *) values "$lane" ;;
        esac
}

import() {
        case $lane in
        hivexregedit) hivexregedit --merge --prefix 'HKEY_LOCAL_MACHINE\SOFTWARE' "$dir/hive" "$dir/values" ;;
        net) net -s "$dir/smb.conf" registry import "$dir/values" ;;
        dconf) on_bus dconf load /exchange/ <"$dir/values" ;;
        sqlite3) sqlite3 "$dir/values.db" 'pragma journal_mode=wal; pragma synchronous=full' ".read $dir/values" ;;
        *) on_bus "$reg" -q import "$dir/values" ;;
        esac
}

# Of an import that was made by a row before, or now.
prepare_export() {
        [ ! -e "$dir/values" ] || return 0
        prepare_import
        import
}

export_values() {
        case $lane in
        hivexregedit) hivexregedit --export "$dir/hive" '\Exchange' ;;
        net) net -s "$dir/smb.conf" registry export 'HKLM\SOFTWARE\Exchange' "$dir/out" ;;
        dconf) on_bus dconf dump /exchange/ ;;
        sqlite3) sqlite3 "$dir/values.db" .dump ;;
        # What the first round of row 8 brought, or prepare_export.
        *) on_bus "$reg" export --format="$lane" "Machine\\SOFTWARE\\Exchange\\${lane}0" ;;
        esac
}

case $step-$direction in
prepare-import) prepare_import ;;
prepare-export)
        round=0 key="SOFTWARE\\Exchange\\${lane}0"
        prepare_export
        ;;
run-import) import ;;
run-export) export_values ;;
esac >"$scratch/exchange/$lane.out" 2>"$scratch/exchange/$lane.err" || {
        cat "$scratch/exchange/$lane.err" >&2
        exit 1
}
