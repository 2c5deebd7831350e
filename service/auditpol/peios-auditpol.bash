# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for peios-auditpol(1)

# The words before the cursor that are no options: `given`. `=` breaks words, so a long option's value is two words on.
_peios_auditpol_given() {
        local -i i
        local word
        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                if [[ $word == --@(era|distro|root|since|until|by|max-bytes|max-ratio|max-files|max-depth) ]]; then
                        [[ ${COMP_WORDS[i + 1]} == = ]] && i+=1
                        i+=1
                elif [[ $word != -* ]]; then
                        given+=("$word")
                fi
        done
}

_peios_auditpol() {
        local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} choices='' files=''
        local given=()
        COMPREPLY=()
        if [[ $cur == = ]]; then
                cur=''
        elif [[ $before == = ]]; then
                before=${COMP_WORDS[COMP_CWORD - 2]}
        fi
        _peios_auditpol_given
        case $before:$cur in
        --era:* | --since:* | --until:* | --max-*:*) return ;;
        --by:*) choices='bit module kernel week' ;;
        --distro:*) choices='upstream debian rhel fedora suse ubuntu' ;;
        --root:*) files=-d ;;
        *:-*) choices=$("${COMP_WORDS[0]}" --help 2>/dev/null | grep -o -- '--[a-z-]\+=\?') ;;
        *)
                case ${given[*]} in
                '') choices='status get set explain events taint' ;;
                set) choices='enabled success-only failure-only disabled' ;;
                taint) choices='check decode scan' ;;
                'taint scan'*) files=-f ;;
                esac
                ;;
        esac
        if [[ $files ]]; then
                mapfile -t COMPREPLY < <(compgen $files -- "$cur")
                compopt -o filenames
        else
                mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
                [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace
        fi
}
complete -F _peios_auditpol peios-auditpol
