#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The polkit actions: valid, and the ones that the provider asks for.
set -eu
. "$(dirname "$0")/install.sh"
need xmllint "the polkit actions were not checked"
install_tree

actions=$root$PREFIX/share/polkit-1/actions/org.peios.Registry1.policy
xmllint --noout --nonet "$actions"
dtd=/usr/share/polkit-1/policyconfig-1.dtd
if [ -f $dtd ]; then
        xmllint --noout --nonet --dtdvalid $dtd "$actions"
else
        echo "polkit is not installed: its DTD was not asked" >&2
fi

sed -n 's/^#define WRITER_ACTION_[A-Z]* "\(.*\)"$/\1/p' "$SOURCE_ROOT/registry-provider/bus/writer.h" |
        sort >"$scratch/want"
[ -s "$scratch/want" ]
xmllint --xpath '//action/@id' "$actions" | sed -n 's/.*id="\(.*\)".*/\1/p' | sort >"$scratch/have"
diff "$scratch/want" "$scratch/have" || fail "the provider asks for other actions than there are"
# polkit refuses to answer a caller that is neither root nor the action's owner.
user=$(sed -n 's/^User=//p' "$SOURCE_ROOT/registry-provider/units/peios-registryd.service.in")
owned="//action[annotate[@key='org.freedesktop.policykit.owner']='unix-user:$user']"
owners=$(xmllint --xpath "count($owned)" "$actions")
[ "$owners" = "$(wc -l <"$scratch/want" | tr -d ' ')" ] || fail "an action that $user may not ask about"
# Whoever may do it without being asked is root or an administrator, and never by polkit's default.
! grep -nE '<allow_[a-z]*>(yes|auth_self|auth_self_keep)<' "$actions" >&2 || fail "a default that lets anybody write"
