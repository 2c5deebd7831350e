# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of peios-reg(1): `peios-reg complete` says what is there or known. Names do not mind case.

# ask KIND -- WORD…: what it says of the kind, the words before and the one that is typed.
function __peios_reg_ask
        set -l typed (commandline -ct | string unescape)
        peios-reg complete $argv "$typed" 2>/dev/null
end

function __peios_reg_key
        __peios_reg_ask key -- | string replace -r -- '[\\\\/]$' ''
end

function __peios_reg_path
        __peios_reg_ask path -- | string replace -r -- '[\\\\/]$' ''
end

function __peios_reg_value
        set -l given (__peios_reg_given)
        __peios_reg_ask value -- $given[2]
end

# Behind set: a value, or data where the first word has the value.
function __peios_reg_operand
        set -l given (__peios_reg_given)
        __peios_reg_ask operand -- $given[2]
end

function __peios_reg_data
        set -l given (__peios_reg_given)
        __peios_reg_ask data -- $given[2] $given[3]
end

function __peios_reg_layer
        peios-reg complete layer -- '' 2>/dev/null
end
