# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of peios-reg(1): keys, values and data, as the registry has them. Names do not mind case.

# list KEY keys|values: the names in it, one a line.
function __peios_reg_list
        for row in (peios-reg ls -- $argv[1] 2>/dev/null)
                if string match -q -- '* = REG_*' $row
                        test $argv[2] = values; and string replace -r -- ' = REG_.*' '' $row
                else if test $argv[2] = keys
                        string trim -r -c '\\' -- $row
                end
        end
end

# The path that is being typed, up to its last separator.
function __peios_reg_parent
        string replace -r -- '[^\\\\/]*$' '' (commandline -ct | string unescape)
end

function __peios_reg_key
        set -l parent (__peios_reg_parent)
        set -l above (string replace -r -- '[\\\\/]$' '' $parent)
        if test -z "$above"
                printf '%s\n' $parent(__peios_reg_list '\\' keys) $parent(__peios_reg_list Machine keys)
        else
                printf '%s\n' $parent(__peios_reg_list $above keys)
        end
end

function __peios_reg_path
        set -l parent (__peios_reg_parent)
        set -l above (string replace -r -- '[\\\\/]$' '' $parent)
        __peios_reg_key
        test -n "$above"; and printf '%s\n' $parent(__peios_reg_list $above values)
end

function __peios_reg_value
        set -l given (__peios_reg_given)
        __peios_reg_list $given[2] values
end

function __peios_reg_data
        set -l given (__peios_reg_given)
        set -l allowed (peios-reg why --json -- $given[2] $given[3] 2>/dev/null | string match -rg -- '"allowed":"one of ([^"]*)"')
        test -n "$allowed"; and string split -- ', ' $allowed
end
