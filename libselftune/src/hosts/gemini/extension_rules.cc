#include "hosts/gemini/extension_rules.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json_value.h"

namespace selftune::hosts::gemini {
namespace {

using base::JsonValue;

// More patterns than people write; each costs what the text is long times these.
constexpr size_t kMostPatterns = 100;
constexpr size_t kMostRepeats = 20;
constexpr size_t kVerdict = 100;  // what one costs before patterns are compared, as Effort

constexpr std::string_view kAllowed = "allowedExtensions";

constexpr char kAny = '\0';  // in Atom::letter

struct Atom {
  char letter = kAny;
  bool may_lack = false;
  bool repeats = false;
};

struct Pattern {
  std::vector<Atom> atoms;
  bool from_start = false;
  bool to_end = false;
};

bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::optional<Pattern> Parse(std::string_view text) {
  Pattern out;
  size_t repeats = 0;
  if (text.starts_with('^')) {
    out.from_start = true;
    text.remove_prefix(1);
  }
  for (size_t i = 0; i < text.size();) {
    const char c = text[i++];
    if (c == '$' && i == text.size()) {
      out.to_end = true;
      break;
    }
    Atom atom{.letter = c};
    if (c == '\\') {
      // "\d" and the like stand for more than a letter.
      if (i == text.size() || IsWord(text[i])) return std::nullopt;
      atom.letter = text[i++];
    } else if (c == '.') {
      atom.letter = kAny;
    } else if (std::string_view("^$[](){}|*+?").find(c) != std::string_view::npos) {
      return std::nullopt;
    }
    if (i < text.size() && (text[i] == '*' || text[i] == '+' || text[i] == '?')) {
      atom.may_lack = text[i] != '+';
      atom.repeats = text[i] != '?';
      repeats += atom.repeats ? 1 : 0;
      ++i;
      // As few as possible: which are found does not matter.
      if (i < text.size() && text[i] == '?') ++i;
    }
    out.atoms.push_back(atom);
  }
  if (repeats > kMostRepeats) return std::nullopt;
  return out;
}

// How far the text may be used up behind an atom, by how far it was before.
std::vector<bool> Behind(const Atom& atom, std::string_view text, const std::vector<bool>& before) {
  std::vector<bool> out(before.size(), false);
  if (atom.may_lack) out = before;
  for (size_t i = 0; i < text.size(); ++i) {
    if (atom.letter != kAny && text[i] != atom.letter) continue;
    if (before[i] || (atom.repeats && out[i])) out[i + 1] = true;
  }
  return out;
}

}  // namespace

std::optional<bool> Finds(std::string_view pattern, std::string_view text) {
  const std::optional<Pattern> parsed = Parse(pattern);
  if (!parsed.has_value()) return std::nullopt;
  std::vector<bool> reached(text.size() + 1, !parsed->from_start);
  reached[0] = true;
  for (const Atom& atom : parsed->atoms) {
    reached = Behind(atom, text, reached);
    if (std::ranges::find(reached, true) == reached.end()) return false;
  }
  return parsed->to_end ? reached.back() : true;
}

std::vector<std::string> ExtensionRules::FilesFor(const std::string& dir) const {
  const std::string machine = query_.absolute_root + "/etc/gemini-cli/";
  const std::string own = base::JoinPath(query_.config_dir, "settings.json");
  std::vector<std::string> out = {machine + "system-defaults.json", own};
  const std::string theirs = base::JoinPath(dir, ".gemini/settings.json");
  if (theirs != own && !dir.empty()) out.push_back(theirs);
  out.push_back(machine + "settings.json");
  return out;
}

Verdict ExtensionRules::TooMany(const std::string& file) {
  if (!std::exchange(told_, true)) {
    files_.Tell(file, "TOO_MANY_ENTRIES",
                fmt::format("reading {}: the patterns of security.allowedExtensions are too many "
                            "for the folders of sessions; of some extensions it is not known "
                            "whether they are let in",
                            file));
  }
  return {file, true};
}

Verdict ExtensionRules::AgainstList(const std::string& file, const JsonValue& security,
                                    const std::string& source, const std::string& dir) {
  if (source.empty()) return {file};  // the host loads none of them then
  if (compared_.used_up()) return TooMany(file);
  compared_.Spend(kVerdict);
  // A file where it lies, else the address put behind the folder, its slashes made one.
  const std::string path = base::NormalizePath(dir, source);
  const std::string text = base::RealPath(path).value_or(path);
  const std::vector<std::string> patterns = files_.Texts(file, security, kAllowed);
  bool known = security[kAllowed].items().size() <= kMostPatterns;
  for (const std::string& pattern :
       std::span(patterns).first(std::min(patterns.size(), kMostPatterns))) {
    if (compared_.used_up()) return TooMany(file);
    compared_.Spend(pattern.size() * (text.size() + 1));
    const std::optional<bool> found = Finds(pattern, text);
    if (found == std::optional(true)) return {};
    known = known && found.has_value();
  }
  if (known) return {file};
  files_.Tell(file, "PATTERN_UNKNOWN",
              fmt::format("reading {}: whether security.allowedExtensions lets in what was "
                          "installed from {} is not known",
                          file, source));
  return {file, true};
}

Verdict ExtensionRules::Against(const std::string& source, std::string_view type,
                                const std::string& dir) {
  std::string list_file, block_file, unknown_file;
  const JsonValue* listed = nullptr;
  bool block = false;
  for (const std::string& file : FilesFor(dir)) {
    const JsonValue& root = files_.JsonOrEmpty(file);
    const JsonValue& security = files_.ObjectAt(file, root, "security");
    if (!files_.ListAt(file, security, kAllowed).is_null()) {
      listed = &security;
      list_file = file;
    }
    if (const JsonValue& said =
            files_.At(file, security, "blockGitExtensions", {JsonValue::Type::kBool});
        !said.is_null()) {
      block = said.AsBool();
      block_file = file;
    }
    if (files_.IsUnknown(file)) unknown_file = file;
  }
  if (!unknown_file.empty()) return {unknown_file, true};
  if (listed != nullptr && !(*listed)[kAllowed].items().empty()) {
    return AgainstList(list_file, *listed, source, dir);
  }
  const bool from_git = type == "git" || type == "github-release";
  return block && from_git ? Verdict{block_file} : Verdict{};
}

}  // namespace selftune::hosts::gemini
