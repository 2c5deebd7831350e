# SPDX-License-Identifier: LGPL-2.1-or-later
# In the shell that completes: whatever is offered is printed, and nothing is shown or chosen.
autoload -Uz compinit
compinit -D -u
zstyle ':completion:*' insert-tab false
zstyle ':completion:*' completer _complete
compadd() {
        local -a offered
        # What only asks or stores is left alone.
        if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
                builtin compadd "$@"
                return
        fi
        builtin compadd -A offered "$@"
        (( $#offered )) && print -rl -- '' '<offer>'$^offered
        builtin compadd "$@"
}
# The list is emptied before each run.
finish() {
        print -r -- $'\n<end>'
        comppostfuncs=(finish)
}
comppostfuncs=(finish)
bindkey '^I' complete-word
bindkey '^U' kill-whole-line
print -r -- '<ready>'
