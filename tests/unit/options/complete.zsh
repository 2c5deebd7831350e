#!/usr/bin/env zsh
# SPDX-License-Identifier: LGPL-2.1-or-later
# complete.zsh FOLDER: prints, for each line of standard input, what zsh offers behind it, a candidate a line, and `.` after
# the last one. The completion files are in the folder, as _PROGRAM.
zmodload zsh/zpty || exit 77

zpty shell zsh -f -i
zpty -w shell "PROMPT=; stty -echo; fpath=(${(q)1} \$fpath); source ${(q)0:A:h}/complete-setup.zsh"
until zpty -r shell row && [[ $row == *'<ready>'* ]]; do :; done
while IFS= read -r line; do
        zpty -w -n shell $'\C-u'"$line"$'\t'
        while zpty -r shell row; do
                row=${row%$'\r\n'}
                case $row in
                *'<end>'*) break ;;
                *'<offer>'*) print -r -- "${row##*<offer>}" ;;
                esac
        done
        print -r -- .
done
zpty -d shell
