# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of %PROGRAM%: `peios-reg complete` says what is there or known. Names do not mind case.

# ask KIND -- WORD…: what it says of the kind, the words before and the one that is typed.
function __%FUNCTION%_ask
        set -l typed (commandline -ct | string unescape)
        peios-reg complete $argv "$typed" 2>/dev/null
end

function __%FUNCTION%_key
        __%FUNCTION%_ask key -- | string replace -r -- '[\\\\/]$' ''
end

function __%FUNCTION%_path
        __%FUNCTION%_ask path -- | string replace -r -- '[\\\\/]$' ''
end

function __%FUNCTION%_value
        set -l given (__%FUNCTION%_given)
        __%FUNCTION%_ask value -- $given[2]
end

# Behind set: a value, or data where the first word has the value.
function __%FUNCTION%_operand
        set -l given (__%FUNCTION%_given)
        __%FUNCTION%_ask operand -- $given[2]
end

function __%FUNCTION%_data
        set -l given (__%FUNCTION%_given)
        __%FUNCTION%_ask data -- $given[2] $given[3]
end

function __%FUNCTION%_layer
        peios-reg complete layer -- '' 2>/dev/null
end
