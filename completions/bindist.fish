# fish completion for bindist
function __bindist_complete
    set -l typed (commandline -ct)
    set -l option (string match -r -- '^--[^=]*=' $typed; or echo)
    set -l path (string replace -- "$option" '' $typed | string replace -r '^["\']' '')
    set -l program (string replace -r '^~(?=/)' $HOME -- (commandline -opc)[1])
    env COMP_WORDS=(commandline -cp | string collect) COMP_CWORD=$typed \
        _BINDIST_COMPLETE=fish_complete $program 2>/dev/null | while read -l line
        set -l parts (string split -m 1 , -- $line)
        switch $parts[1]
            case plain
                printf '%s\n' $parts[2]
            case dir
                printf '%s\n' $option(__fish_complete_directories $path)
            case file
                printf '%s\n' $option(__fish_complete_path $path)
        end
    end
end

complete --command bindist --no-files --keep-order --arguments '(__bindist_complete)'
