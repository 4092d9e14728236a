#include "hosts/common/settings_files.h"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "install/json_text.h"
#include "install/settings_place.h"

namespace selftune::hosts {

using base::JsonValue;

namespace {
constexpr uint64_t kMaxSettings = 4U << 20;
constexpr size_t kMaxEntries = 1000;
constexpr size_t kMaxValues = 100'000;
constexpr size_t kMostTold = 20;   // mistakes of a file
constexpr size_t kMostOfKey = 80;  // characters of a key that are told

std::string_view NameOf(JsonValue::Type type) {
  switch (type) {
    case JsonValue::Type::kNull:
      return "nothing";
    case JsonValue::Type::kBool:
      return "a flag";
    case JsonValue::Type::kInt:
    case JsonValue::Type::kDouble:
      return "a number";
    case JsonValue::Type::kString:
      return "a text";
    case JsonValue::Type::kArray:
      return "a list";
    case JsonValue::Type::kObject:
      return "an object";
  }
  return "nothing";
}

bool IsEmpty(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return base::Trim(text).empty();
}

}  // namespace

const std::string* SettingsFiles::Text(const std::string& path) {
  const auto [it, is_new] = texts_.try_emplace(path);
  if (is_new) {
    auto bytes = base::ReadFile(path, kMaxSettings);
    if (bytes.ok()) {
      it->second = *std::move(bytes);
    } else if (CodeOf(bytes.status()).name != kFileNotFound.name) {
      Problem(path, bytes.status());
    }
  }
  return it->second.has_value() ? &*it->second : nullptr;
}

const JsonValue* SettingsFiles::Json(const std::string& path) {
  const std::string* const text = Text(path);
  if (text == nullptr) return nullptr;
  const auto [it, is_new] = documents_.try_emplace(path);
  if (is_new && IsEmpty(*text)) {
    // Nothing is said, and nothing wrong with it.
  } else if (is_new && MostJsonValues(*text) > kMaxValues) {
    Tell(path, "TOO_MANY_ENTRIES",
         fmt::format("reading {}: it has more than {} values, none of them is read", path,
                     kMaxValues));
    problems_.back().settings = true;
    unknown_.insert(path);
  } else if (is_new) {
    const auto node = install::ParseJsonText(*text, dialect_, path);
    if (node.ok()) {
      JsonValue value = install::ValueOf(*text, *node);
      if (Is(path, "", value, {JsonValue::Type::kObject})) it->second = std::move(value);
    } else {
      Problem(path, node.status());
    }
  }
  return it->second.has_value() ? &*it->second : nullptr;
}

const JsonValue& SettingsFiles::JsonOrEmpty(const std::string& path) {
  static const JsonValue kEmpty;
  const JsonValue* const found = Json(path);
  return found == nullptr ? kEmpty : *found;
}

void SettingsFiles::Toml(const std::string& path,
                         absl::FunctionRef<void(const codex::TomlValue&)> use) {
  const std::string* const text = Text(path);
  if (text == nullptr) return;
  const size_t told = problems_.size();
  const auto mistake = codex::ReadToml(*text, use);
  if (!mistake.has_value()) return;
  // What is no TOML is of no shape either.
  problems_.resize(told);
  Problem(path, install::InvalidSettings(path, *text, mistake->at, mistake->expected,
                                         install::FoundAt(*text, mistake->at)));
}

std::span<const JsonValue> SettingsFiles::Items(const std::string& path, const JsonValue& list,
                                                Keep keep) {
  const std::span<const JsonValue> all(list.items());
  if (keep == Keep::kAll || all.size() <= kMaxEntries) return all;
  Tell(path, "TOO_MANY_ENTRIES",
       fmt::format("reading {}: of {} entries the {} {} are read", path, all.size(),
                   keep == Keep::kLast ? "last" : "first", kMaxEntries));
  problems_.back().settings = true;
  return keep == Keep::kLast ? all.last(kMaxEntries) : all.first(kMaxEntries);
}

void SettingsFiles::TellShape(const std::string& path, std::string_view key,
                              std::string_view expected, std::string_view found) {
  unknown_.insert(path);
  ++mistakes_[path];
  // A file of a cloned repository may say anything, as often as it likes.
  size_t& told = told_[path];
  if (told >= kMostTold) return;
  key = base::FirstCodePoints(key, kMostOfKey);
  found = base::FirstCodePoints(found, kMostOfKey);
  if (!shapes_.insert(fmt::format("{} {}", path, key)).second) return;
  ++told;
  Tell(path, std::string(kSettingsInvalid.name),
       fmt::format("reading {}: {}{}expected {}, found {}{}", path, key, key.empty() ? "" : ": ",
                   expected, found, told == kMostTold ? "; more of it is not told" : ""));
  problems_.back().settings = true;
}

bool SettingsFiles::Is(const std::string& path, std::string_view key, const JsonValue& value,
                       Types types) {
  if (value.is_null()) return false;
  if (std::ranges::find(types, value.type()) != types.end()) return true;
  std::string expected;
  for (const JsonValue::Type type : types) {
    if (!expected.empty()) expected += " or ";
    expected += NameOf(type);
  }
  TellShape(path, key, expected, NameOf(value.type()));
  return false;
}

const JsonValue& SettingsFiles::At(const std::string& path, const JsonValue& from,
                                   std::string_view key, Types types) {
  static const JsonValue kAbsent;
  const JsonValue* value = &from;
  for (size_t end = 0; end < key.size();) {
    const size_t begin = end == 0 ? 0 : end + 1;
    end = std::min(key.find('.', begin), key.size());
    value = &(*value)[key.substr(begin, end - begin)];
    const bool last = end == key.size();
    if (!last && !Is(path, key.substr(0, end), *value, {JsonValue::Type::kObject})) return kAbsent;
  }
  return Is(path, key, *value, types) ? *value : kAbsent;
}

std::vector<std::string> SettingsFiles::Texts(const std::string& path, const JsonValue& from,
                                              std::string_view key, Keep keep) {
  std::vector<std::string> out;
  for (const JsonValue& item : Items(path, ListAt(path, from, key), keep)) {
    if (!Is(path, fmt::format("an entry of {}", key), item, {JsonValue::Type::kString})) continue;
    if (item.AsString().size() < PATH_MAX) {
      out.push_back(item.AsString());
      continue;
    }
    Tell(path, "ENTRY_TOO_LONG",
         fmt::format("reading {}: an entry of {} bytes is left out, no path is that long", path,
                     item.AsString().size()));
  }
  return out;
}

std::vector<std::string> SettingsFiles::Folders(const std::string& dir) {
  std::vector<std::string> out;
  const auto entries = base::ListDir(dir);
  if (!entries.ok()) {
    if (CodeOf(entries.status()).name != kFileNotFound.name) Problem(dir, entries.status());
    return out;
  }
  for (const base::DirEntry& entry : *entries) {
    if (!entry.maybe_dir) continue;
    const auto info = base::Stat(base::JoinPath(dir, entry.name));
    if (info.ok() && info->is_dir()) out.push_back(entry.name);
  }
  return out;
}

void SettingsFiles::Tell(const std::string& path, std::string code, std::string message) {
  problems_.push_back({.path = path, .code = std::move(code), .message = std::move(message)});
}

void SettingsFiles::Problem(const std::string& path, const Status& status) {
  unknown_.insert(path);
  problems_.push_back({.path = path,
                       .code = std::string(CodeOf(status).name),
                       .message = std::string(Message(status)),
                       .line = install::LineOf(status),
                       .settings = true});
}

size_t MostJsonValues(std::string_view text) {
  size_t count = 1;
  bool quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      at += c == '\\' ? 1 : 0;
    } else if (c == '/') {  // quotes in a remark are none
      const std::string_view rest = text.substr(at);
      const std::string_view end = rest.starts_with("//")   ? "\n"
                                   : rest.starts_with("/*") ? "*/"
                                                            : std::string_view();
      if (end.empty()) continue;
      const size_t found = text.find(end, at + 2);
      if (found == text.npos) break;
      at = found + end.size() - 1;
    } else if (c == ',' || c == ':' || c == '[' || c == '{') {
      ++count;
    }
  }
  return count;
}

const JsonValue& ValueAt(const JsonValue& root, std::string_view dotted) {
  const JsonValue* value = &root;
  for (const std::string_view key : base::Split(dotted, '.')) value = &(*value)[key];
  return *value;
}

std::vector<std::string> ProjectFolders(std::string_view dir, skillfs::WorkTrees& work_trees) {
  std::vector<std::string> up = {base::NormalizePath("/", dir)};
  const std::string root = work_trees.RootOf(up.front());
  while (!root.empty() && up.back() != root) up.emplace_back(base::DirName(up.back()));
  return up;
}

std::vector<std::string> FoldersToTop(const std::vector<std::string>& up) {
  std::vector<std::string> out = up;
  if (base::Exists(base::JoinPath(up.back(), ".git"))) return out;
  while (out.back() != "/") out.emplace_back(base::DirName(out.back()));
  return out;
}

std::vector<std::string> SessionRoots(std::span<const std::vector<std::string>> project_folders) {
  std::set<std::string> out;
  for (const std::vector<std::string>& up : project_folders) {
    if (!out.contains(up.back()) && base::Exists(base::JoinPath(up.back(), ".git"))) {
      out.insert(up.back());
    }
  }
  return {out.begin(), out.end()};
}

std::string SettingsPath(std::string_view home, std::string_view base, std::string_view path) {
  path = base::Trim(path);
  if (path.starts_with('/')) return base::NormalizePath("/", path);
  if (path == "~" || path.starts_with("~/")) {
    return home.empty() ? "" : base::NormalizePath(home, path.size() > 2 ? path.substr(2) : ".");
  }
  return base.empty() || path.empty() ? "" : base::NormalizePath(base, path);
}

}  // namespace selftune::hosts
