# Completion of pg_pitr for fish: the program itself says what may follow.
function __pg_pitr_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l path (string replace -r -- '^--[^=]*=' '' "$current")
    set -l option (string sub -l (math (string length -- "$current") - (string length -- "$path")) -- "$current")
    for line in ($program __complete $words "$current" 2>/dev/null)
        switch $line
            case :files
                string replace -r -- '^' "$option" (__fish_complete_path "$path")
            case :directories
                string replace -r -- '^' "$option" (__fish_complete_directories "$path")
            case '*'
                echo $line
        end
    end
end
complete -c pg_pitr -f -a '(__pg_pitr_complete)'
