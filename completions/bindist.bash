# bash completion for bindist
_bindist() {
    local IFS=$'\n' line=$COMP_LINE piece=${COMP_WORDS[COMP_CWORD]} words=() i gap kind value
    # bash also splits at = and :; join the pieces that no space separates.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        gap=${line%%[![:space:]]*}
        line=${line#"$gap"}
        line=${line#"${COMP_WORDS[i]}"}
        if [[ $i -gt 0 && -z $gap ]]; then
            words[${#words[@]} - 1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
        fi
    done
    # readline replaces only the last piece.
    [[ $piece == *[!=:]* ]] || piece=
    local kept=${words[${#words[@]} - 1]}
    kept=${kept%"$piece"}

    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            quoted) COMPREPLY+=("$value") ;;
            dir) compopt -o dirnames 2>/dev/null || _bindist_paths -d "$piece" ;;
            file) compopt -o default 2>/dev/null || _bindist_paths -f "$piece" ;;
        esac
    done < <(env COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) \
        COMP_KEPT="$kept" COMP_PIECE="$piece" \
        _BINDIST_COMPLETE=bash_complete "${1/#\~/$HOME}" 2>/dev/null)
}
# bash before 4.0 has no compopt, and inserts what is offered without quoting it.
_bindist_paths() {
    local path
    [[ $2 != *[\"\'\\\$\`]* ]] || return 0
    while IFS= read -r path; do
        printf -v path %q "$path"
        COMPREPLY+=("$path")
    done < <(compgen "$1" -- "$2")
}
# bash before 4.4 has no nosort.
complete -o nosort -F _bindist bindist 2>/dev/null || complete -F _bindist bindist
