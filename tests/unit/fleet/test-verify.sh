#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test-verify.sh PEIOS-FLEET: keys and signatures of signify, the whole way into force, and each refusal recorded once.
set -eu
fleet=$(realpath "$1")
command -v signify-openbsd >/dev/null || {
        echo "SKIP: signify-openbsd is missing, so nothing was signed" >&2
        exit 77
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
keys=$root/etc/peios/fleet-keys.d
policy=$root/var/lib/peios/registry.d/fleet-web.yaml
mkdir -p "$keys"
cd "$scratch"

fail() {
        echo "FAIL: $*" >&2
        exit 1
}
# publish KEY SERIAL NAME [LINE]
publish() {
        printf 'peios-registry: 1\nlayer: fleet-web\nprecedence: 1000\nserial: %s\n%s\n' "$2" "${4-}" >"$3.yaml"
        signify-openbsd -S -e -s "$1.sec" -m "$3.yaml" -x "$3"
}
# expect STATUS WORDS ARGUMENT...: both outputs are in `said`.
expect() {
        status=0
        want=$1 words=$2
        shift 2
        "$fleet" --root "$root" "$@" >said 2>&1 || status=$?
        [ "$status" = "$want" ] || fail "$*: status $status, not $want: $(cat said)"
        grep -qF -- "$words" said || fail "$*: does not say '$words': $(cat said)"
}
for key in one two; do
        signify-openbsd -G -n -p $key.pub -s $key.sec
done
publish one 7 seven
publish one 8 eight
publish two 9 nine
publish one 9 stage 'percent: 99'

expect 4 "seven: is signed with a key that is not installed" verify seven
cp one.pub "$keys/"
expect 0 "seven: is good, group web, serial 7, key " verify seven
[ ! -e "$root/var" ] || fail "verify alone has made something"
umask 077
expect 0 "group web, serial 8" verify --install eight
umask 022
for file in registry.d registry.d/fleet-web.yaml fleet fleet/state.yaml fleet/lock; do
        stat -c '%a %n' "$root/var/lib/peios/$file"
done | sed "s|$root/var/lib/peios/||" >modes
cat >wanted <<'END'
755 registry.d
644 registry.d/fleet-web.yaml
755 fleet
644 fleet/state.yaml
600 fleet/lock
END
diff wanted modes >&2 || fail "who may only look can hold the lock, or the provider reads nothing"
grep -q ": installed$" said || fail "it does not say that it is installed"
cmp eight "$policy"
expect 0 ": installed already" verify --install eight

# Refused, recorded once, and the last good one stays. Each record has the next number.
records() {
        sed 's/^0*//' "$root/run/peios-fleet/seqno"
}
sed 's/^serial: 8/serial: 80/' eight >forged
for file in seven nine forged eight.yaml; do
        before=$(records)
        for i in 1 2; do
                expect 4 "$file: " verify --install "$file"
                [ "$(records)" = $((before + 1)) ] || fail "$file, time $i: record $(records) behind $before"
        done
done
# With one that is for others first nothing is wrong; a machine that has no id is among the last.
before=$(records)
expect 0 "stage: is for a part of the machines first" verify --install stage
[ "$(records)" = "$before" ] || fail "what waits for its turn is recorded as a refusal"
ln -s eight link
mkfifo fifo
expect 4 "link: is no regular file" verify link fifo
grep -q "fifo: is no regular file" said || fail "nothing about the FIFO"
cmp eight "$policy"

expect 2 "nowhere: " verify nowhere
expect 1 "expected either files or --incoming" verify
expect 1 "expected either files or --incoming" verify --incoming eight
cp two.pub "$keys/"
expect 4 '"verdict":"rolled-back"' verify --json seven eight
cat >check.py <<'END'
import base64, json, sys
key = base64.b64decode(open('one.pub').read().splitlines()[1])[2:10].hex()
both = json.load(sys.stdin)
assert [x['serial'] for x in both] == [7, 8] and [x['verdict'] for x in both] == ['rolled-back', 'good'], both
assert all(x['group'] == 'web' and x['key'] == key and not x['installed'] for x in both), both
END
python3 check.py <said

# The second key follows the first, without a gap.
expect 0 "serial 9" verify --install nine
rm "$keys/one.pub"
expect 4 "not installed" verify --install eight
cmp nine "$policy"
