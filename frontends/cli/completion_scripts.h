// Scripts that make a shell ask `selftune __complete` what can be typed next.
// They know no command themselves, so they never go out of date.
#pragma once

#include <string_view>

namespace selftune::cli {

// Bash takes words apart at = and :, so they are put together again first, and
// what the line already has is taken off the answers.
inline constexpr std::string_view kBashScript = R"_(# bash completion of selftune
_selftune() {
  local rest=${COMP_LINE:0:COMP_POINT} word ahead glued=() i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    ahead=${rest%%[![:space:]]*}
    rest=${rest#"$ahead"}
    if ((i == COMP_CWORD)); then word=$rest; else word=${COMP_WORDS[i]}; fi
    if ((i == 0)) || [[ -n $ahead ]]; then
      glued+=("$word")
    else
      glued[${#glued[@]} - 1]+=$word
    fi
    rest=${rest#"$word"}
  done
  local current=${glued[${#glued[@]} - 1]} front='' line program=${COMP_WORDS[0]/#'~/'/"$HOME/"}
  if [[ $current == *[=:]* ]]; then front=${current%"${current##*[=:]}"}; fi
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files | :dirs)
        local kind=-f name
        if [[ $line == :dirs ]]; then kind=-d; fi
        compopt -o filenames 2>/dev/null
        while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen "$kind" -- "${current#"$front"}")
        ;;
      *)
        line=${line%%$'\t'*}
        COMPREPLY+=("${line#"$front"}")
        ;;
    esac
  done < <("$program" __complete "${glued[@]:1}" 2>/dev/null)
}
complete -F _selftune selftune
)_";

inline constexpr std::string_view kZshScript = R"_(#compdef selftune
_selftune() {
  local -a typed offers
  local line
  typed=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
  for line in "${(@f)$("${(Q)words[1]}" __complete "${typed[@]}" 2>/dev/null)}"; do
    case $line in
      (:files) compset -P '--*='; _files ;;
      (:dirs) compset -P '--*='; _files -/ ;;
      (*$'\t'*) offers+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
  done
  if (( $#offers )); then _describe -V selftune offers; fi
}
if [[ $funcstack[1] == _selftune ]]; then _selftune "$@"; else compdef _selftune selftune; fi
)_";

inline constexpr std::string_view kFishScript = R"_(# fish completion of selftune
function __selftune_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l program $typed[1]
    set -l front (string match -r -- '^--[^=]*=' "$current")
    set -l path (string replace -r -- '^--[^=]*=' '' "$current")
    set -e typed[1]
    for line in ($program __complete $typed "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$path" | string replace -r -- '^' "$front"
            case :dirs
                __fish_complete_directories "$path" '' | string replace -r -- '^' "$front"
            case '*'
                echo $line
        end
    end
end
complete -c selftune -f -a '(__selftune_complete)'
)_";

inline constexpr std::string_view kPowerShellScript = R"_(# PowerShell completion of selftune
Register-ArgumentCompleter -Native -CommandName selftune -ScriptBlock {
  param($word, $line, $cursor)
  $typed = @($line.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursor -or $_.Extent.Text -ne $word } |
    ForEach-Object { if ($_.Value -is [string]) { $_.Value } else { $_.Extent.Text } })
  $program = $line.CommandElements[0].Extent.Text
  & $program __complete @typed "$word" 2>$null | ForEach-Object {
    if ($_ -eq ':files' -or $_ -eq ':dirs') { return }
    $value, $text = $_ -split "`t", 2
    if (-not $text) { $text = $value }
    $quoted = if ($value -match '[\s''"]') { "'" + ($value -replace "'", "''") + "'" } else { $value }
    [System.Management.Automation.CompletionResult]::new($quoted, $value, 'ParameterValue', $text)
  }
}
)_";

}  // namespace selftune::cli
