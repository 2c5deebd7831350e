#!/usr/bin/env fish
# SPDX-License-Identifier: LGPL-2.1-or-later
# complete.fish FOLDER: prints, for each line of standard input, what fish offers behind it, a candidate a line, and `.`
# after the last one. The completion files are in the folder, as PROGRAM.fish.
for file in $argv[1]/*.fish
        source $file
end
while read -l line
        complete -C $line | string replace -r '\t.*' ''
        echo .
end
