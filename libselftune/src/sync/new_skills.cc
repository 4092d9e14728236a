#include "sync/new_skills.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "signals/improvement.h"
#include "store/queries/overview.h"
#include "store/signal_words.h"
#include "store/write_txn.h"
#include "sync/prompt_signals.h"

namespace selftune::sync {
namespace {

constexpr std::string_view kKey = "signal_names";
constexpr size_t kSessionsPerTxn = 64;

using Names = std::vector<std::string>;

// Names with which everything stored was drawn; nullopt: nobody knows.
StatusOr<std::optional<Names>> ReadNames(store::Db& db) {
  ST_ASSIGN_OR_RETURN(const std::optional<std::string> text, store::ReadMeta(db, kKey));
  if (!text.has_value()) return std::optional<Names>();
  Names out;
  for (const std::string_view name : base::Split(*text, '\n')) {
    if (!name.empty()) out.emplace_back(name);
  }
  return std::optional(std::move(out));
}

// Those that can be written down; nobody types a name of two lines.
Names Typed(std::span<const std::string> installed) {
  Names out;
  for (const std::string& name : installed) {
    if (name.find('\n') == std::string::npos) out.push_back(name);
  }
  return out;
}

Names Without(const Names& names, const Names& others) {
  Names out;
  std::set_difference(names.begin(), names.end(), others.begin(), others.end(),
                      std::back_inserter(out));
  return out;
}

Status WriteNames(store::Db& db, const Names& names) {
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(store::WriteMeta(db, kKey, base::Join(names, "\n")));
  return txn.Commit();
}

Status Draw(store::IngestWriter& writer, std::span<const store::SessionPk> sessions,
            std::span<const std::string> installed) {
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(writer.db()));
  writer.db().Touch(store::kTopicEvidence);
  for (const store::SessionPk session : sessions) {
    ST_RETURN_IF_ERROR(DrawSessionAgain(writer, session, installed));
  }
  return txn.Commit();
}

}  // namespace

Status BeginNames(store::Db& db, std::span<const std::string> installed) {
  ST_ASSIGN_OR_RETURN(const std::optional<Names> known, ReadNames(db));
  ST_ASSIGN_OR_RETURN(const bool any, store::AnyPrompt(db));
  if (any) return absl::OkStatus();
  const Names names = Typed(installed);
  return known == names ? absl::OkStatus() : WriteNames(db, names);
}

Status ForgetNames(store::Db& db) { return WriteNames(db, {}); }

StatusOr<int64_t> DrawForNewSkills(store::IngestWriter& writer,
                                   std::span<const std::string> installed) {
  store::Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(const std::optional<Names> known, ReadNames(db));
  const Names names = Typed(installed);
  if (known == names) return 0;
  const Names added = Without(names, known.value_or(Names()));
  std::vector<store::SessionPk> sessions;
  if (!added.empty()) {
    const Names before = Without(names, added);
    ST_ASSIGN_OR_RETURN(sessions, store::SessionsThatSay(db, [&](std::string_view text) {
                          const auto now = signals::DetectSignals(text, names);
                          return !now.empty() && now != signals::DetectSignals(text, before);
                        }));
  }
  for (std::span<const store::SessionPk> rest = sessions; !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), kSessionsPerTxn));
    ST_RETURN_IF_ERROR(Draw(writer, some, installed));
    rest = rest.subspan(some.size());
  }
  ST_RETURN_IF_ERROR(WriteNames(db, names));
  return static_cast<int64_t>(sessions.size());
}

}  // namespace selftune::sync
