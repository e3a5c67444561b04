# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Completion of the xmcp command in bash: commands, options, and file names where a file is due.
# Once the command is there, only its own options and those of the connection are offered.

_xmcp()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local words='-s --server -u --user -p --password --password-file --name --label --domain
        --version1 --sha256 --pad64 --json -h --help -V --version'
    local command='' i

    COMPREPLY=()
    case $prev in
    --password-file | --data-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    -s | --server)
        mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur")
        return
        ;;
    -u | --user | -p | --password | --name | --label | --domain | --service | --protocol | \
        --address | --port | --data | --sequence | --for | --count | --timeout)
        return
        ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -u | --user | -p | --password | --name | --label) ((i++)) ;; # a value may be any word
        publish | subscribe | ping) command=${COMP_WORDS[i]} ;;
        esac
    done
    case $command in
    publish)
        words+=' --service --protocol --address --port --data --data-file --sequence --visible
            --for'
        ;;
    subscribe)
        words+=' --service --count --timeout'
        ;;
    ping)
        words+=' --timeout'
        ;;
    *)
        [[ $cur == -* ]] || words='publish subscribe ping'
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _xmcp xmcp
