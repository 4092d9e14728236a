#include "hosts/codex/inner_json.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"

namespace selftune::hosts::codex {
namespace {

constexpr size_t kPadding = 64;

bool IsShellProgram(std::string_view word) {
  const size_t slash = word.rfind('/');
  if (slash != std::string_view::npos) word.remove_prefix(slash + 1);
  return word == "bash" || word == "sh" || word == "zsh" || word == "dash" || word == "ksh";
}

void AppendQuotedWord(std::string& out, std::string_view word) {
  out.push_back('\'');
  for (const char c : word) {
    if (c == '\'') {
      out.append("'\\''");
    } else {
      out.push_back(c);
    }
  }
  out.push_back('\'');
}

}  // namespace

bool InnerJson::ForEachField(std::string_view text, base::FieldFn fn) {
  text = base::Trim(text);
  if (!text.starts_with('{')) return false;
  buffer_.assign(text);
  buffer_.reserve(buffer_.size() + kPadding);
  return parser_.ForEachField(buffer_, fn).ok();
}

ShellCall ReadShellCall(InnerJson& inner, std::string_view arguments) {
  ShellCall call;
  std::string from_command;
  const bool ok = inner.ForEachField(arguments, [&](std::string_view key, base::JsonField& value) {
    if (key == "cmd") call.command = value.String().value_or(std::string_view());
    if (key == "workdir") call.workdir = value.String().value_or(std::string_view());
    if (key != "command") return;
    if (value.type() == base::JsonField::Type::kString) {
      from_command = value.String().value_or(std::string_view());
      return;
    }
    std::vector<std::string_view> argv;
    value.ForEachItem(
        [&](base::JsonField& word) { argv.push_back(word.String().value_or(std::string_view())); });
    from_command = JoinArgv(argv);
  });
  if (!ok) return {};
  if (call.command.empty()) call.command = std::move(from_command);
  return call;
}

std::string JoinArgv(const std::vector<std::string_view>& argv) {
  if (argv.size() >= 3 && IsShellProgram(argv[0]) && argv[1].starts_with('-') &&
      argv[1].ends_with('c')) {
    return std::string(argv[2]);
  }
  std::string line;
  for (const std::string_view word : argv) {
    if (!line.empty()) line.push_back(' ');
    AppendQuotedWord(line, word);
  }
  return line;
}

std::vector<std::string> PatchedFiles(std::string_view patch) {
  static constexpr std::array<std::string_view, 4> kHeads = {
      "*** Update File: ", "*** Add File: ", "*** Delete File: ", "*** Move to: "};
  std::vector<std::string> files;
  for (std::string_view line : base::Split(patch, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    for (const std::string_view head : kHeads) {
      if (line.starts_with(head)) files.emplace_back(base::Trim(line.substr(head.size())));
    }
  }
  return files;
}

}  // namespace selftune::hosts::codex
