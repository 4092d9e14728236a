#include "sync/one_session.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "store/source_ledger.h"

namespace selftune::sync {
namespace {

constexpr size_t kMinFolderName = 8;  // shorter ones are days and the like

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Names of sessions are long and have figures in them; "chats" is none.
bool MayNameFolder(std::string_view session) {
  return session.size() >= kMinFolderName && std::any_of(session.begin(), session.end(), IsDigit);
}

// Hosts put a word or the time before the id, never a part of another one.
bool EndsWithId(std::string_view stem, std::string_view session) {
  if (!stem.ends_with(session)) return false;
  if (stem.size() == session.size()) return true;
  const char before = stem[stem.size() - session.size() - 1];
  return MayNameFolder(session) && (before == '-' || before == '_');
}

}  // namespace

bool IsNamedAfter(std::string_view path, std::string_view session) {
  session = session.substr(0, session.find(":agent:"));
  if (session.empty()) return false;
  const std::string_view name = base::BaseName(path);
  if (EndsWithId(name, session) || EndsWithId(name.substr(0, name.find('.')), session)) return true;
  if (!MayNameFolder(session)) return false;
  const std::string_view folder = base::DirName(path);
  return base::BaseName(folder) == session || (base::BaseName(folder) == "subagents" &&
                                               base::BaseName(base::DirName(folder)) == session);
}

Status KeepSession(store::Db* db, std::string_view session, HostPlan& plan) {
  store::SessionSource known;
  if (db != nullptr) {
    ST_ASSIGN_OR_RETURN(known, store::FindSessionSource(*db, plan.source->platform(), session));
  }
  std::erase_if(plan.items, [&](const WorkItem& item) {
    return !item.file.rows && item.file.path != known.path &&
           !IsNamedAfter(item.file.path, session);
  });
  return absl::OkStatus();
}

Status MustKnowSession(store::Db& db, std::span<const std::string_view> platforms,
                       std::string_view session) {
  for (const std::string_view platform : platforms) {
    ST_ASSIGN_OR_RETURN(const store::SessionSource known,
                        store::FindSessionSource(db, platform, session));
    if (known.session) return absl::OkStatus();
  }
  return WithSuggestion(
      Fail(kSessionNotFound, "syncing session {}: no file and nothing stored is of it", session),
      "give the id as the host writes it; look for it among those that are stored",
      "selftune last --n 20");
}

}  // namespace selftune::sync
