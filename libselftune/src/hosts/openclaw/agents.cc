#include "hosts/openclaw/agents.h"

#include <algorithm>
#include <string_view>

#include "base/file.h"
#include "base/strings.h"

namespace selftune::hosts::openclaw {
namespace {

using base::JsonValue;
using Type = JsonValue::Type;

constexpr std::string_view kList = "agents.list", kEntries = "agents.entries";

struct Entry {
  std::string id;
  const JsonValue* said = nullptr;
};

// "Main" and "main" are one; of other ids nobody knows the folder.
std::string PlainId(std::string_view text) {
  std::string id = base::AsciiLower(base::Trim(text));
  const bool plain = std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  return plain ? id : "";
}

class Reader {
 public:
  Reader(const std::string& file, const JsonValue& root, const RootQuery& query,
         SettingsFiles& files)
      : file_(file), root_(root), query_(query), files_(files) {}

  std::vector<Agent> Read() {
    const std::vector<Entry> entries = Entries();
    // The first that is marked is the default, else the first.
    const auto marked = std::ranges::find_if(entries, [&](const Entry& entry) {
      return files_.FlagAt(file_, *entry.said, "default", false);
    });
    const auto chosen = marked == entries.end() ? entries.begin() : marked;
    std::vector<Agent> out;
    for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
      out.push_back({WorkspaceOf(*entry, entry == chosen), SkillsOf(*entry->said)});
    }
    return out;
  }

 private:
  std::vector<Entry> Entries() {
    static const JsonValue kOnly;
    std::vector<Entry> out;
    for (const JsonValue& agent : files_.Items(file_, files_.ListAt(file_, root_, kList))) {
      if (!files_.Is(file_, "an entry of agents.list", agent, {Type::kObject})) continue;
      out.push_back({PlainId(files_.TextAt(file_, agent, "id")), &agent});
    }
    for (const auto& [id, agent] : files_.ObjectAt(file_, root_, kEntries).members()) {
      if (!files_.Is(file_, "an entry of agents.entries", agent, {Type::kObject})) continue;
      out.push_back({PlainId(id), &agent});
    }
    if (out.empty()) out.push_back({"", &kOnly});
    return out;
  }

  // What the settings say, else a folder of its own beside the usual one.
  std::string WorkspaceOf(const Entry& entry, bool is_default) {
    const std::string_view own = base::Trim(files_.TextAt(file_, *entry.said, "workspace"));
    if (!own.empty()) return SettingsPath(query_.home, "", own);
    const std::string_view usual =
        base::Trim(files_.TextAt(file_, root_, "agents.defaults.workspace"));
    const std::string folder = SettingsPath(query_.home, "", usual);
    if (is_default) {
      return usual.empty() ? base::JoinPath(query_.config_dir, "workspace") : folder;
    }
    if (entry.id.empty()) return "";
    if (usual.empty()) return base::JoinPath(query_.config_dir, "workspace-" + entry.id);
    return folder.empty() ? "" : base::JoinPath(folder, entry.id);
  }

  // Its own list takes the place of that of all agents, also an empty one.
  std::optional<std::vector<std::string>> SkillsOf(const JsonValue& agent) {
    const bool own = !agent["skills"].is_null();
    const JsonValue& from = own ? agent : root_;
    const std::string_view key = own ? "skills" : "agents.defaults.skills";
    if (files_.ListAt(file_, from, key).is_null()) return std::nullopt;
    return files_.Texts(file_, from, key, SettingsFiles::Keep::kAll);
  }

  const std::string& file_;
  const JsonValue& root_;
  const RootQuery& query_;
  SettingsFiles& files_;
};

}  // namespace

std::vector<Agent> ReadAgents(const std::string& file, const JsonValue& root,
                              const RootQuery& query, SettingsFiles& files) {
  return Reader(file, root, query, files).Read();
}

}  // namespace selftune::hosts::openclaw
