# PowerShell completion for bindist
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
