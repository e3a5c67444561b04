# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Completion of xmbctl's words in bash. The words depend on the modules that the running broker
# has loaded, so they are asked of it: `xmbctl --complete WORD...` prints what may follow, one
# candidate a line, the last WORD being the beginning of one (it may be empty). Without a broker
# only the options are completed.

_xmbctl()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local -a options=() words=()
    local i line

    COMPREPLY=()
    if [[ $prev == -s || $prev == --socket ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
    fi
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '-s --json -h --help -V' -- "$cur")
        return
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -s | --socket)
            options+=(-s "${COMP_WORDS[++i]}")
            ;;
        -*) ;;
        *) words+=("${COMP_WORDS[i]}") ;;
        esac
    done
    while read -r line; do
        [[ $line == "$cur"* ]] && COMPREPLY+=("${line%%[[:space:]]*}")
    done < <("${COMP_WORDS[0]}" "${options[@]}" --complete "${words[@]}" "$cur" 2>/dev/null)
}
complete -F _xmbctl xmbctl
