# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for %PROGRAM%(1), made from its table of options.

# The words before the cursor that are no options, one a line.
function __%FUNCTION%_given
        set -l skip
        for word in (commandline -opc)[2..-1]
                if set -q skip[1]
                        set -e skip[1]
                else if contains -- $word $__%FUNCTION%_with_argument
                        set skip 1
                else if not string match -q -- '-?*' $word
                        printf '%s\n' $word
                end
        end
end

# at COMMAND N: the word to complete is the N-th behind the command, counted from 0; `any`: one behind it.
function __%FUNCTION%_at
        set -l words (string split -n ' ' -- $argv[1])
        set -l given (__%FUNCTION%_given)
        set -l n (count $words)
        test (count $given) -ge $n; or return 1
        test $n -eq 0; or test "$given[1..$n]" = "$words"; or return 1
        test $argv[2] = any; or test (count $given) -eq (math $n + $argv[2])
end

# in COMMAND…: one of them is given, or none is yet.
function __%FUNCTION%_in
        set -l given (__%FUNCTION%_given)
        test (count $given) -gt 0; or return 0
        contains -- "$given[1] $given[2]" $argv; or contains -- $given[1] $argv
end

%fish%
