#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# test-operator.sh PEIOS-FLEET: what an operator does, with a real etcd: publish, withdraw, status, show, forget.
set -eu
fleet=$(realpath "$1")
for tool in etcd etcdctl signify-openbsd; do
        command -v $tool >/dev/null || {
                echo "SKIP: $tool is missing, so nothing was published" >&2
                exit 77
        }
done
scratch=$(mktemp -d)
etcd=
at_exit() {
        status=$?
        trap - EXIT
        [ -z "$etcd" ] || kill -9 "$etcd" 2>/dev/null || :
        rm -rf "$scratch"
        exit "$status"
}
trap at_exit EXIT
trap 'exit 1' HUP INT TERM
cd "$scratch"

# An address of this process's own.
host=http://127.$(($$ >> 16 & 255)).$(($$ >> 8 & 255)).$(($$ & 255))
export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=$host:14379
etcd --data-dir data --listen-client-urls "$host:14379" --advertise-client-urls "$host:14379" \
        --listen-peer-urls "$host:14380" --unsafe-no-fsync --log-level error >etcd.log 2>&1 &
etcd=$!
until etcdctl endpoint health >/dev/null 2>&1; do
        kill -0 "$etcd"
        sleep 0.1
done

fail() {
        echo "FAIL: $*" >&2
        exit 1
}
# expect STATUS WORDS ARGUMENT...: both outputs are in `said`.
expect() {
        status=0
        want=$1 words=$2
        shift 2
        "$fleet" "$@" --endpoint "$host:14379" >said 2>&1 || status=$?
        [ "$status" = "$want" ] || fail "$*: status $status, not $want: $(cat said)"
        grep -qF -- "$words" said || fail "$*: does not say '$words': $(cat said)"
}
says() {
        grep -qF -- "$1" said || fail "it does not say '$1': $(cat said)"
}
signify-openbsd -G -n -p one.pub -s one.sec
mkdir -p root/etc/peios/fleet-keys.d
cp one.pub root/etc/peios/fleet-keys.d/
policy() {
        printf 'peios-registry: 1\nlayer: fleet-web\nprecedence: %s\nkeys:\n  \\System\\Audit\\Modules:\n    TaintEvents: !sz %s\n' \
                "$1" "$2" >web.yaml
}
published() {
        etcdctl get --print-value-only "/peios/policy/$1" | sed '$d' >"$1"
}

policy 1000 enabled
expect 1 "--group and --key are needed" publish web.yaml
expect 1 "is no group" publish web.yaml --group ../web --key one.sec
expect 2 "" publish nowhere.yaml --group web --key one.sec
expect 5 "" publish web.yaml --group web --key nowhere.sec
expect 4 "is another group's, expected layer \`fleet-db\`" publish web.yaml --group db --key one.sec
policy 999 enabled
expect 4 "web.yaml: has a precedence below 1000" publish web.yaml --group web --key one.sec
printf 'peios-registry: 1\nlayer: fleet-web\nprecedence: 1000\nkeys: [\n' >web.yaml
expect 4 "web.yaml:" publish web.yaml --group web --key one.sec
echo '{peios-registry: 1, layer: fleet-web, precedence: 1000}' >web.yaml
expect 4 "web.yaml: has no serial" publish web.yaml --group web --key one.sec
echo '{peios-registry: 1, layer: fleet-web, precedence: 1000, serial: 77}' >web.yaml
expect 4 "web.yaml: the serial cannot be put into it" publish web.yaml --group web --key one.sec
printf 'peios-registry: 1\nlayer: fleet-web\nprecedence: 1000\nexpires: 2001-01-31T10:00:00Z\n' >web.yaml
expect 4 "web.yaml: has expired" publish web.yaml --group web --key one.sec
policy 1000 enabled
signify-openbsd -G -n -p two.pub -s two.sec
mv two.pub elsewhere
expect 4 "the public key of two.sec is not known" publish web.yaml --group web --key two.sec
[ -z "$(etcdctl get --prefix /)" ] || fail "something was published"

policy 1000 enabled
expect 0 "published: group web, serial 1" publish web.yaml --group web --key one.sec
published web
"$fleet" --root root verify web >said || fail "machines would refuse it: $(cat said)"
says "serial 1, key"
expect 0 '{"group":"web","serial":2}' publish web.yaml --group web --key one.sec --json
# A serial in the file is replaced.
printf 'serial: 77\n' >>web.yaml
expect 0 "serial 3" publish web.yaml --group web --key one.sec
expect 0 "serial 9" publish web.yaml --group web --key one.sec --serial 9 --percent 10
published web
[ "$(grep -E '^(serial|percent):' web | tr '\n' ' ')" = "serial: 9 percent: 10 " ] || fail "no stage: $(cat web)"
expect 1 "percent" publish web.yaml --group web --key one.sec --percent 100
# What only looks like them is part of a value.
printf 'peios-registry: 1\nlayer: fleet-text\nprecedence: 1000\nserial: 7\nkeys:\n  \\A:\n    B: !sz "x\npercent: 5\nserial: 6\n"\n' >text.yaml
expect 0 "group text, serial 1" publish text.yaml --group text --key one.sec
published text
[ "$(sed 1,2d text)" = "$(sed 's/^serial: 7/serial: 1/' text.yaml)" ] || fail "what was signed says more than the file: $(cat text)"
expect 0 "serial 10" withdraw --group web --key one.sec
published web
"$fleet" --root root verify web >said || fail "machines would refuse it: $(cat said)"
says "serial 10, key"
! grep -q '^keys' web || fail "a withdrawal says something"
expect 4 "--serial 10: expected one above the last, 10" publish web.yaml --group web --key one.sec --serial 10
# One that has expired was accepted all the same.
printf 'peios-registry: 1\nlayer: fleet-web\nprecedence: 1000\nserial: 10\nexpires: 2001-01-31T10:00:00Z\n' >old.yaml
signify-openbsd -S -e -s one.sec -m old.yaml -x expired
etcdctl put /peios/policy/web <expired >/dev/null
expect 4 "--serial 10: expected one above the last, 10" publish web.yaml --group web --key one.sec --serial 10
etcdctl put /peios/policy/web nonsense >/dev/null
expect 4 "expected --serial" publish web.yaml --group web --key one.sec
# Who owns etcd makes no serials: not by a signature of its own, nor by none.
sed 's/^serial:.*/serial: 18446744073709551614/' web >forged
etcdctl put /peios/policy/web -- "$(cat forged)" >/dev/null
expect 4 "is not what was signed, so the last serial is not known" withdraw --group web --key one.sec
signify-openbsd -S -e -s two.sec -m web.yaml -x forged
etcdctl put /peios/policy/web -- "$(cat forged)" >/dev/null
expect 4 "is signed with a key that is not installed, so" withdraw --group web --key one.sec
expect 0 "serial 11" publish web.yaml --group web --key one.sec --serial 11

# What a file would change.
policy 1000 enabled
printf 'serial: 77\n' >>web.yaml
"$fleet" diff web.yaml --group web --endpoint "$host:14379" >said 2>&1 || fail "the same is not: $(cat said)"
[ ! -s said ] || fail "what is the same differs: $(cat said)"
policy 2000 disabled
printf '  \\App: !hidden\n' >>web.yaml
expect 1 '~ \System\Audit\Modules\TaintEvents = REG_SZ enabled -> REG_SZ disabled' diff web.yaml --group web
says '~ precedence = 1000 -> 2000'
says '+ \App = hidden'
[ "$(wc -l <said)" = 3 ] || fail "more differs: $(cat said)"
expect 1 '{"what":"precedence","before":"1000","after":"2000"}' diff web.yaml --group web --json
expect 1 '+ \System\Audit\Modules\TaintEvents = REG_SZ disabled' diff web.yaml --group none
expect 1 "--group is needed" diff web.yaml
expect 2 "nowhere.yaml: " diff nowhere.yaml --group web
echo 'keys: [' >broken.yaml
expect 4 "broken.yaml:2:1: " diff broken.yaml --group web
etcdctl put /peios/policy/nonsense nonsense >/dev/null
expect 5 "what is published is no policy" diff web.yaml --group nonsense

# Machines: what each says, and what it comes to.
expect 0 "0 machines" status
machine() {
        etcdctl put "/peios/machines/$1/verdict" "$2" >/dev/null
        etcdctl put "/peios/machines/$1/alive" "" >/dev/null
}
layers='"layers":[{"layer":"fleet-web","precedence":1000,"file":"/var/lib/peios/registry.d/fleet-web.yaml","serial":'
good='"member-of":["web"],"groups":[{"group":"web","serial":11}],'$layers'11}]'
machine m1 '{"host":"well",'"$good"'}'
machine m2 '{"host":"late","member-of":["web"],"groups":[{"group":"web","serial":10}],'"$layers"'10}]}'
machine m3 '{"host":"refuser","member-of":["web"],"groups":[{"group":"web","serial":11,"refused":"expired"}],'"$layers"'11}]}'
machine m4 '{"host":"masked","member-of":["web"],"groups":[{"group":"web","serial":11}],"layers":[]}'
machine m5 '{"host":"other",'"$good"',"above":[{"layer":"local"}],"values":[{"value":"V","layer":"local"}]}'
machine m6 '{"host":"drifted",'"$good"',"drifts":3}'
machine m7 '{"host":"tainted",'"$good"',"tainted":4609,"taint-accepted":4096}'
machine m8 'no json'
machine m0 '{"host":"later","member-of":["web"],"groups":[{"group":"web","serial":10,"staged":11}],'"$layers"'10}]}'
machine m9 '{"host":"new","member-of":["db"],"groups":[]}'
etcdctl put /peios/machines/ma/verdict '{"host":"gone","time":"2026-01-02T03:04:05Z"}' >/dev/null
expect 0 "11 machines, 1 silent, 1 nonsense, 1 refused, 1 behind, 2 beaten, 1 drifted, 1 tainted, 1 staged, 2 in-force" status
says "since 2026-01-02T03:04:05Z"
says "web: expired"
says "web: serial 10, published is 11"
says "web: its registry has no such layer"
says "V: layer local"
says "3 foreign changes"
says "0x201"
[ "$(sed -n 's/^\([a-z]*\) .*/\1/p' said | head -n 5 | tr '\n' ' ')" = "silent nonsense refused behind beaten " ] ||
        fail "not the worst first: $(cat said)"
! grep -q '^staged' said || fail "one that waits for its turn is among those that are not well"
expect 0 "m0: staged, web: serial 10, others have 11 first" show m0
expect 0 "1 machine, 1 in-force" status --group db
expect 0 '{"machine":"m2","host":"late","state":"behind","why":"web: serial 10, published is 11","time":""}' status --json
expect 0 "m2: behind, web: serial 10" show m2
says '"host": "late"'
etcdctl put /peios/machines/mc/verdict "$(printf '{"host":"a\302\2332Jb"}')" >/dev/null
expect 0 '"host": "a\xc2\x9b2Jb"' show mc
expect 0 "forgotten: mc" forget mc
expect 4 "there are more machines" show m
expect 2 "there is no such machine" show x
expect 0 "forgotten: ma" forget ma
expect 2 "there is no such machine" forget ma
expect 0 "10 machines" status

# More than a piece, and more than a screen.
i=100
while [ $i -lt 350 ]; do
        echo "put /peios/machines/n$i/verdict {\\\"member-of\\\":[\\\"web\\\"]}"
        i=$((i + 1))
done >batch
# One transaction has 128 operations at most.
split -l 100 batch part-
for part in part-*; do
        { echo; cat "$part"; echo; echo; } | etcdctl txn >/dev/null
done
expect 0 "260 machines, 250 silent" status
says "and 217 more, which --all shows"
expect 0 "n349" status --all

# One machine that says as much as etcd takes hides no other.
head -c 1400000 /dev/zero | tr '\0' x | etcdctl put /peios/machines/n200/verdict >/dev/null
head -c 1400000 /dev/zero | tr '\0' x | etcdctl put /peios/machines/n201/verdict >/dev/null
head -c 1400000 /dev/zero | tr '\0' x | etcdctl put /peios/machines/n202/verdict >/dev/null
expect 0 "260 machines, 250 silent" status

kill -9 "$etcd"
wait "$etcd" 2>/dev/null || :
expect 5 "(down)" status

# What stands in for etcd and answers with keys that nobody asked for: one that ends as a machine's does, and a short one.
# With a word more it has more of them for ever.
cat >stand-in.py <<'END'
import base64, http.server, json, sys

class StandIn(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        keys = [b'/peios/machines/good/alive', b'/peios/policies/evil/alive', b'a']
        kvs = [{'key': base64.b64encode(k).decode(), 'value': ''} for k in keys]
        body = json.dumps({'header': {'revision': '1'}, 'kvs': kvs, 'more': len(sys.argv) > 2}).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

server = http.server.HTTPServer((sys.argv[1], 14379), StandIn)
print('ready', flush=True)
server.serve_forever()
END
mkfifo ready
stand_in() {
        python3 stand-in.py "${host#http://}" "$@" >ready &
        etcd=$!
        read -r _ <ready
}
stand_in
expect 0 "1 machine, 1 nonsense" status
says "good"
kill -9 "$etcd"
wait "$etcd" 2>/dev/null || :
stand_in more
expect 5 "its keys are out of order, or without an end" status
kill -9 "$etcd"
etcd=
