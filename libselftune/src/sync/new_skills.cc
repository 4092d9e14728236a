#include "sync/new_skills.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "base/strings.h"
#include "ingest/typed_command.h"
#include "signals/improvement.h"
#include "store/queries/overview.h"
#include "store/signal_words.h"
#include "store/write_txn.h"
#include "sync/prompt_signals.h"

namespace selftune::sync {
namespace {

constexpr std::string_view kKey = "signal_names";
constexpr size_t kSessionsPerTxn = 64;

// Clocks go back at times, by less than this.
constexpr int64_t kClockSlackMs = 3'600'000;

using Names = std::vector<std::string>;

// Names with which what is stored was drawn, sorted; to each that is not there
// any more, since when. What was written later does not know it.
using Drawn = std::map<std::string, std::optional<UtcMillis>>;

// nullopt: nobody knows. A line for each name: the name, then a tab and the time.
StatusOr<std::optional<Drawn>> ReadDrawn(store::Db& db) {
  ST_ASSIGN_OR_RETURN(const std::optional<std::string> text, store::ReadMeta(db, kKey));
  if (!text.has_value()) return std::optional<Drawn>();
  Drawn out;
  for (const std::string_view line : base::Split(*text, '\n')) {
    if (line.empty()) continue;
    const size_t tab = line.find('\t');
    std::optional<UtcMillis> gone;
    if (tab != std::string_view::npos) {
      // A time that cannot be read: as if the name had never been there.
      const std::optional<UtcMillis> at = ParseRfc3339(line.substr(tab + 1));
      if (!at.has_value()) continue;
      gone = at;
    }
    out.emplace(line.substr(0, tab), gone);
  }
  return std::optional(std::move(out));
}

// Those that can be written down; nobody types a name of two lines.
Names Typed(std::span<const std::string> installed) {
  Names out;
  for (const std::string& name : installed) {
    if (name.find_first_of("\n\t") == std::string::npos) out.push_back(name);
  }
  return out;
}

Drawn Known(std::span<const std::string> names) {
  Drawn out;
  for (const std::string& name : names) out.emplace(name, std::nullopt);
  return out;
}

// Notes which are not there any more.
void Leave(Drawn& drawn, std::span<const std::string> names, UtcMillis now) {
  for (auto& [name, gone] : drawn) {
    if (!gone.has_value() && !std::binary_search(names.begin(), names.end(), name)) gone = now;
  }
}

Status WriteDrawn(store::Db& db, const Drawn& drawn) {
  std::vector<std::string> lines;
  for (const auto& [name, gone] : drawn) {
    lines.push_back(gone.has_value() ? name + "\t" + FormatRfc3339(*gone) : name);
  }
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(store::WriteMeta(db, kKey, base::Join(lines, "\n")));
  return txn.Commit();
}

Status DrawSome(store::IngestWriter& writer, std::span<const store::SessionPk> sessions,
                std::span<const std::string> installed) {
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(writer.db()));
  writer.db().Touch(store::kTopicEvidence);
  for (const store::SessionPk session : sessions) {
    ST_RETURN_IF_ERROR(DrawSessionAgain(writer, session, installed));
    ST_RETURN_IF_ERROR(AddTypedRequests(writer, session, installed));
  }
  return txn.Commit();
}

Status Draw(store::IngestWriter& writer, std::span<const store::SessionPk> sessions,
            std::span<const std::string> installed, GoOn go_on) {
  for (std::span<const store::SessionPk> rest = sessions; !rest.empty();) {
    ST_RETURN_IF_ERROR(go_on());
    const auto some = rest.first(std::min(rest.size(), kSessionsPerTxn));
    ST_RETURN_IF_ERROR(DrawSome(writer, some, installed));
    rest = rest.subspan(some.size());
  }
  return absl::OkStatus();
}

// What is not known at all counts from the beginning.
struct Added {
  std::set<std::string> names;
  UtcMillis since{INT64_MAX};
};

Added AddedTo(const Drawn& drawn, const Names& names) {
  Added out;
  for (const std::string& name : names) {
    const auto known = drawn.find(name);
    if (known != drawn.end() && !known->second.has_value()) continue;
    const UtcMillis since = known == drawn.end() ? UtcMillis{INT64_MIN}
                                                 : UtcMillis{known->second->value - kClockSlackMs};
    out.since = std::min(out.since, since);
    out.names.insert(name);
  }
  return out;
}

}  // namespace

Status BeginNames(store::Db& db, std::span<const std::string> installed, UtcMillis now) {
  ST_ASSIGN_OR_RETURN(const std::optional<Drawn> known, ReadDrawn(db));
  ST_ASSIGN_OR_RETURN(const bool any, store::AnyPrompt(db));
  const Names names = Typed(installed);
  Drawn drawn = any ? known.value_or(Drawn()) : Known(names);
  Leave(drawn, names, now);
  return known == drawn ? absl::OkStatus() : WriteDrawn(db, drawn);
}

StatusOr<int64_t> DrawForNewSkills(store::IngestWriter& writer,
                                   std::span<const std::string> installed, UtcMillis began,
                                   GoOn go_on) {
  store::Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(const std::optional<Drawn> known, ReadDrawn(db));
  const Names names = Typed(installed);
  Drawn drawn = known.value_or(Drawn());
  const Added added = AddedTo(drawn, names);
  Leave(drawn, names, began);
  std::vector<store::SessionPk> sessions;
  if (!added.names.empty()) {
    const auto says = [&](std::string_view text) {
      const ingest::TypedCommand typed = ingest::ReadTypedCommand(text);
      if (added.names.contains(std::string(typed.name))) return true;
      const auto found = signals::DetectSignals(text, names);
      return std::any_of(found.begin(), found.end(), [&](const signals::Signal& signal) {
        return signal.resolved && added.names.contains(signal.skill);
      });
    };
    ST_ASSIGN_OR_RETURN(sessions, store::SessionsThatSay(db, added.since, says, go_on));
    ST_RETURN_IF_ERROR(Draw(writer, sessions, installed, go_on));
    for (const std::string& name : added.names) drawn.insert_or_assign(name, std::nullopt);
  }
  if (known != drawn) ST_RETURN_IF_ERROR(WriteDrawn(db, drawn));
  return static_cast<int64_t>(sessions.size());
}

StatusOr<int64_t> DrawAll(store::IngestWriter& writer, std::span<const std::string> installed,
                          GoOn go_on) {
  store::Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(
      const std::vector<store::SessionPk> now,
      store::SessionsThatSay(
          db, UtcMillis{INT64_MIN},
          [&](std::string_view text) { return !signals::DetectSignals(text, installed).empty(); },
          go_on));
  ST_ASSIGN_OR_RETURN(const std::vector<store::SessionPk> before, store::SessionsWithWords(db));
  std::vector<store::SessionPk> sessions;
  std::set_union(now.begin(), now.end(), before.begin(), before.end(),
                 std::back_inserter(sessions));
  ST_RETURN_IF_ERROR(Draw(writer, sessions, installed, go_on));
  ST_RETURN_IF_ERROR(WriteDrawn(db, Known(Typed(installed))));
  return static_cast<int64_t>(sessions.size());
}

}  // namespace selftune::sync
