// Files of settings of a host, of the person and of projects, for reading.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/function_ref.h>

#include "base/error.h"
#include "base/json_value.h"
#include "base/string_map.h"
#include "hosts/codex/install_toml.h"
#include "install/json_text.h"
#include "skillfs/discovery.h"
#include "skillfs/work_trees.h"

namespace selftune::hosts {

// What these hosts take for JSON in their settings; the others take comments at most.
inline constexpr auto kOpenClawJson = install::JsonDialect::kJson5;
inline constexpr auto kOpenCodeJson = install::JsonDialect::kTrailingCommas;

// Reads each file once. What cannot be read or understood goes into `problems`, which
// must outlive this; an absent file is none. Not thread-safe.
class SettingsFiles {
 public:
  // `dialect`: what the host takes for JSON.
  explicit SettingsFiles(std::vector<skillfs::DiscoveryProblem>& problems,
                         install::JsonDialect dialect = install::JsonDialect::kComments)
      : problems_(problems), dialect_(dialect) {}

  // Null: there is none, or it could not be read.
  [[nodiscard]] const std::string* Text(const std::string& path);
  // Hosts that write plain JSON take no comments; a file with some is understood all the
  // same. Null: it is none of both, no object, or has more values than anybody's settings, which is
  // told: each costs a hundred times its text. An empty file says nothing, as an absent one.
  [[nodiscard]] const base::JsonValue* Json(const std::string& path);
  // The same, an object without members in place of null.
  [[nodiscard]] const base::JsonValue& JsonOrEmpty(const std::string& path);
  // What stands in a file of TOML, up to where it is none any more; from there on it is unknown.
  void Toml(const std::string& path, absl::FunctionRef<void(const codex::TomlValue&)> use);
  // Which entries of a long list count: the last, where a later one decides against those
  // before it; all, where what they cost is bounded otherwise.
  enum class Keep { kFirst, kLast, kAll };
  // Of a list of folders in that file 1000 entries: what is more is told, for a file of a
  // cloned repository may say anything, and each may be looked at.
  [[nodiscard]] std::span<const base::JsonValue> Items(const std::string& path,
                                                       const base::JsonValue& list,
                                                       Keep keep = Keep::kFirst);
  using Types = std::initializer_list<base::JsonValue::Type>;
  // Whether a value of that file is there and of one of these types. One of another type is
  // told under that key, and the file is unknown: what the host makes of it nobody knows.
  [[nodiscard]] bool Is(const std::string& path, std::string_view key, const base::JsonValue& value,
                        Types types);
  // The value under a dotted key, and null in place of one that is not of these types, or lies
  // in what is no object; see Is.
  [[nodiscard]] const base::JsonValue& At(const std::string& path, const base::JsonValue& from,
                                          std::string_view key, Types types);
  // The same for one type; "", `usual` or a value without items in place of what is not there.
  [[nodiscard]] const std::string& TextAt(const std::string& path, const base::JsonValue& from,
                                          std::string_view key) {
    return At(path, from, key, {base::JsonValue::Type::kString}).AsString();
  }
  [[nodiscard]] bool FlagAt(const std::string& path, const base::JsonValue& from,
                            std::string_view key, bool usual) {
    return At(path, from, key, {base::JsonValue::Type::kBool}).AsBool(usual);
  }
  [[nodiscard]] const base::JsonValue& ObjectAt(const std::string& path,
                                                const base::JsonValue& from, std::string_view key) {
    return At(path, from, key, {base::JsonValue::Type::kObject});
  }
  [[nodiscard]] const base::JsonValue& ListAt(const std::string& path, const base::JsonValue& from,
                                              std::string_view key) {
    return At(path, from, key, {base::JsonValue::Type::kArray});
  }
  // The texts of the list under a dotted key. An entry of another type is told as a value is;
  // one that is longer than any path is told, and left out.
  [[nodiscard]] std::vector<std::string> Texts(const std::string& path, const base::JsonValue& from,
                                               std::string_view key, Keep keep = Keep::kFirst);
  // That what stands there is not what the host expects, in words; the file is unknown.
  void TellShape(const std::string& path, std::string_view key, std::string_view expected,
                 std::string_view found);
  // Whether there is such a file, and it could not be read or understood: it may say anything.
  [[nodiscard]] bool IsUnknown(const std::string& path) const { return unknown_.contains(path); }
  // How many values of that file were not what the host expects there, each look counted.
  [[nodiscard]] size_t MistakesIn(const std::string& path) const {
    const auto found = mistakes_.find(path);
    return found == mistakes_.end() ? 0 : found->second;
  }
  // That something in that file is not known.
  void Tell(const std::string& path, std::string code, std::string message);
  // Folders in `dir` by name; an absent one has none.
  [[nodiscard]] std::vector<std::string> Folders(const std::string& dir);

 private:
  void Problem(const std::string& path, const Status& status);
  std::vector<skillfs::DiscoveryProblem>& problems_;
  install::JsonDialect dialect_;
  std::map<std::string, std::optional<std::string>> texts_;
  std::map<std::string, std::optional<base::JsonValue>> documents_;
  base::StringSet unknown_, shapes_;  // files; files and keys
  base::StringMap<size_t> mistakes_;  // by file
  base::StringMap<size_t> told_;      // the same, those that are told
};

// At least as many as the values and keys in a text of JSON.
[[nodiscard]] size_t MostJsonValues(std::string_view text);

// The value under a dotted key; a null value if there is none.
[[nodiscard]] const base::JsonValue& ValueAt(const base::JsonValue& root, std::string_view dotted);

// `dir` and the folders above it up to the root of the repository, nearest first; without
// a repository the directory alone.
[[nodiscard]] std::vector<std::string> ProjectFolders(std::string_view dir,
                                                      skillfs::WorkTrees& work_trees);

// The same folders, and where they are in no repository those above, up to `/`.
[[nodiscard]] std::vector<std::string> FoldersToTop(const std::vector<std::string>& up);

// The roots of the repositories that working directories lie in, sorted, each once. A
// directory without one is no root: what looks up from there goes on beyond it.
[[nodiscard]] std::vector<std::string> SessionRoots(
    std::span<const std::vector<std::string>> project_folders);

// A path as people write it in settings, absolute: `~` is the home, what is not absolute
// lies below `base`. "" without a home or a base to put before it.
[[nodiscard]] std::string SettingsPath(std::string_view home, std::string_view base,
                                       std::string_view path);

}  // namespace selftune::hosts
