# Completion of pg_pitr for bash: the program itself says what may follow.
_pg_pitr() {
  local current=${COMP_WORDS[COMP_CWORD]} candidate description
  if [[ $current == = ]]; then current=; fi
  COMPREPLY=()
  while IFS=$'\t' read -r candidate description; do
    case $candidate in
      :files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
      :directories) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
      *)
        # Within quotes bash adds none.
        if [[ $current != [\'\"]* ]]; then printf -v candidate %q "$candidate"; fi
        COMPREPLY+=("$candidate")
        ;;
    esac
  done < <("${COMP_WORDS[0]/#\~/$HOME}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _pg_pitr pg_pitr
