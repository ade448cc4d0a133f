"""Completion scripts for each shell, and the format in which they exchange words.

The protocol is click's. The scripts are our own: independent of click's version, and correct for
`--option=value`, URLs with colons, and names that need quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_MAX_SUMMARY = 100

_BASH = r"""# bash completion for bindist
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
"""

_ZSH = r"""#compdef bindist
# zsh completion for bindist
_bindist() {
    local -a answer plain described
    local kind value help
    answer=("${(@f)$(COMP_WORDS="${(j: :)words[1,CURRENT-1]} $PREFIX" COMP_CWORD=$((CURRENT - 1)) \
        _BINDIST_COMPLETE=zsh_complete ${~words[1]} 2>/dev/null)}")
    for kind value help in "${answer[@]}"; do
        case $kind in
            plain)
                if [[ $help == _ ]]; then
                    plain+=("$value")
                else
                    described+=("$value:$help")
                fi
                ;;
            dir)
                compset -P '--*='
                _path_files -/
                ;;
            file)
                compset -P '--*='
                _path_files
                ;;
        esac
    done
    (( $#described )) && _describe -V bindist described
    (( $#plain )) && compadd -V bindist -a plain
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _bindist "$@"
else
    compdef _bindist bindist
fi
"""

_FISH = r"""# fish completion for bindist
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
"""

_POWERSHELL = r"""# PowerShell completion for bindist
Register-ArgumentCompleter -Native -CommandName bindist, bindist.exe -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $before = $env:_BINDIST_COMPLETE, $env:COMP_WORDS, $env:COMP_CWORD
    $last = $commandAst.CommandElements.Count
    if ($wordToComplete) { $last -= 1 }
    $env:_BINDIST_COMPLETE = 'powershell_complete'
    $env:COMP_WORDS = $commandAst.ToString().Replace('\', '\\')
    $env:COMP_CWORD = $last
    try {
        $lines = @(& $commandAst.GetCommandName() 2>$null)
    } finally {
        $env:_BINDIST_COMPLETE, $env:COMP_WORDS, $env:COMP_CWORD = $before
    }

    for ($i = 0; $i + 2 -lt $lines.Count; $i += 3) {
        $kind, $value, $help = $lines[$i..($i + 2)]
        if ($kind -eq 'plain') {
            $text = $value
            if ($text -notmatch '^[\w./=:-]+$') {
                # Typographic quotes also end a string.
                $text = "'" + ($text -replace "['\u2018-\u201b]", '$0$0') + "'"
            }
            if ($help -eq '_') { $help = $value }
            [System.Management.Automation.CompletionResult]::new(
                $text, $value, 'ParameterValue', $help)
        } else {
            $kinds = if ($kind -eq 'dir') { 'ProviderContainer' } else { '*' }
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete) |
                Where-Object { $_.ResultType -like $kinds }
        }
    }
}
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, "powershell": _POWERSHELL}


_QUOTED = re.compile(
    r"""'(?P<single>[^']*)(?:'|\Z)|"(?P<double>(?:\\.|[^"\\])*)(?:"|\\?\Z)|\\(?P<escaped>.?)"""
    r"""|(?P<gap>\s+)|(?P<bare>[^\s'"\\]+)""",
    re.DOTALL,
)
_IN_DOUBLE = re.compile(r'\\([$`"\\])')
# Special characters inside double quotes in bash.
_OBEYED = re.compile(r'[$`"\\!]')
_UNSAFE = re.compile(r"[^\w@%+=:,./-]")


def typed(shell: str, line: str, cursor: str) -> tuple[list[str], str]:
    """Returns the words before the one being typed, without the program, and that word."""
    words = _split(line)
    if shell == "fish":  # sends the word, which is also in the line
        word = "".join(_split(cursor)[:1])
        return words[1:-1] if cursor else words[1:], word
    at = int(cursor)
    return words[1:at], words[at] if at < len(words) else ""


def _split(line: str) -> list[str]:
    """Splits a line as a shell does; treats an open quote as closed."""
    words: list[str] = []
    inside = False
    for found in _QUOTED.finditer(line):
        form = found.lastgroup or ""
        if form != "gap":
            text = _IN_DOUBLE.sub(r"\1", found[form]) if form == "double" else found[form]
            if inside:
                words[-1] += text
            else:
                words.append(text)
        inside = form != "gap"
    return words


def quoting(shell: str, env: Mapping[str, str]) -> Callable[[str], tuple[str, str | None]]:
    """Returns a function that quotes a value for the cursor's position: its kind and text, or None.

    bash inserts the text unchanged; the other shells quote it themselves. bash and zsh are offered
    nothing with a backtick, which would end a command that is in backticks, however it is quoted.
    """
    if shell == "fish":  # does not quote a leading tilde, which means a home folder
        return lambda value: ("plain", None if value.startswith("~") else value)
    if shell == "zsh":
        return lambda value: ("plain", None if "`" in value else value)
    if shell != "bash":
        return lambda value: ("plain", value)
    if "COMP_PIECE" not in env:  # an older script, which does not quote inside double quotes
        return lambda value: ("plain", None if _OBEYED.search(value) else value)
    kept, piece = env.get("COMP_KEPT", ""), env["COMP_PIECE"]
    quote = None if set(kept) & set("\"'") else _open_quote(piece)
    start = len("".join(_split(kept)[:1]))
    return lambda value: (
        "quoted",
        None if quote is None or "`" in value else _in_bash(value[start:], quote),
    )


def _open_quote(piece: str) -> str | None:
    """Returns the opening quote of a piece, or an empty string; None for mixed quotes."""
    quote = piece[:1] if piece[:1] in ("'", '"') else ""
    rest = re.sub(r"\\.", "", piece[1:]) if quote != "'" else piece[1:]
    return None if set(rest) & set("\"'") else quote


def _in_bash(text: str, quote: str) -> str:
    """Quotes `text` after an opening quote, which readline closes at the end of the word.

    If the result starts with the quote, readline overwrites the opening one; if it ends with the
    quote, readline considers the word closed.
    """
    shown = _QUOTINGS[quote](text)
    return quote + shown if quote and shown.startswith(quote) else shown


def _in_single(text: str) -> str:
    shown = text.replace("'", r"'\''")
    return shown[:-1] if text.endswith("'") else shown


def _in_double(text: str) -> str:
    # Between two quoted strings, in single quotes: a backslash would stay before !, and would be
    # removed if the whole command is in backticks.
    shown = _OBEYED.sub("\"'\\g<0>'\"", text)
    return shown + '"' if _OBEYED.search(text[-1:]) else shown


_QUOTINGS: dict[str, Callable[[str], str]] = {
    "": lambda text: _UNSAFE.sub(r"\\\g<0>", text),
    "'": _in_single,
    '"': _in_double,
}


def written(shell: str, kind: str, value: str, meaning: str) -> str:
    """Formats one completion in the lines that the script of the shell reads."""
    meaning = _short(meaning)
    if shell == "bash":
        return f"{kind},{value}\n"
    if shell == "fish":
        return f"{kind},{value}" + (f"\t{meaning}\n" if meaning else "\n")
    if shell == "zsh" and meaning:  # treats the text after a colon as the description
        value = value.replace("\\", "\\\\").replace(":", "\\:")
    return f"{kind}\n{value}\n{meaning or '_'}\n"


def _short(text: str) -> str:
    """Shortens text to one line of 100 printable characters."""
    line = "".join(char if char.isprintable() else " " for char in text).strip()
    return line if len(line) <= _MAX_SUMMARY else line[: _MAX_SUMMARY - 1] + "…"
