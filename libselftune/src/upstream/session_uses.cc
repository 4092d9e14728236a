#include "upstream/session_uses.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "upstream/row_text.h"
#include "upstream/words.h"

namespace selftune::upstream {
namespace {

constexpr std::array<std::string_view, 12> kUseColumns = {
    "skill_invocation_id", "session_id", "occurred_at", "skill_name",
    "invocation_mode",     "triggered",  "confidence",  "tool_name",
    "agent_type",          "query",      "skill_path",  "skill_scope"};
constexpr std::array<std::string_view, 8> kUsageColumns = {
    "id",         "timestamp",   "session_id", "skill_name",
    "skill_path", "skill_scope", "query",      "triggered"};

// Kinds of rows, the best last.
enum Rank : int { kOldTable, kMisattributed, kRepaired, kReplayed, kSeen };

bool IsOldTableRow(const SourceRow& row) {
  return TextOf(row.row["skill_invocation_id"]).find(":su:") != std::string::npos;
}

std::string_view ScopeOf(const std::string& scope) {
  return IsScope(scope) ? std::string_view(scope) : std::string_view();
}

}  // namespace

Status SessionUses::Take(const RowAt& at) {
  ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(at));
  const auto& r = row.row;
  Use use{.row = &at, .skill = std::string(base::Trim(TextOf(r["skill_name"])))};
  std::string problem;
  const store::LooseValue& confidence = r["confidence"];
  const auto sure = confidence.AsReal();
  if (use.skill.empty()) problem = "skill_name is missing";
  if (!r["triggered"].is_null() && !IsBoolean(r["triggered"])) {
    problem = fmt::format("triggered is {}", TextOf(r["triggered"]));
  }
  if (!confidence.is_null() && (!sure.has_value() || *sure < 0 || *sure > 1)) {
    problem = fmt::format("confidence is {}, not from 0 to 1", TextOf(confidence));
  }
  if (!problem.empty()) return engine_.Reject(row, problem);
  const std::string mode = TextOf(r["capture_mode"]);
  use.triggered = r["triggered"].is_null() || r["triggered"].AsInt() == 1;
  use.rank = IsOldTableRow(row) ? kOldTable
             : mode == "repair" ? kRepaired
             : mode == "replay" ? kReplayed
                                : kSeen;
  if (use.rank == kReplayed) {
    const TextIn query(r["query"]);
    replayed_words_.insert(query.view().empty() ? "" : base::Sha256Bytes(query.view()));
    replayed_prompts_.insert(TextOf(r["matched_prompt_id"]));
  }
  const Kind kind(base::AsciiLower(use.skill), use.triggered);
  uses_[kind].push_back(std::move(use));
  return absl::OkStatus();
}

// Replay named the last prompt for all decisions of a session.
void SessionUses::FindMisattributed() {
  const bool one = replayed_words_.size() == 1;
  // Of some hosts it wrote no words, only the prompt.
  const bool one_query = one && !replayed_words_.begin()->empty();
  const bool last_prompt = one && !one_query && replayed_prompts_.size() == 1 &&
                           prompts_.IsLast(*replayed_prompts_.begin());
  // With one prompt there is nothing to confuse.
  misattributed_ = (one_query || last_prompt) && prompts_.people() > 1;
  if (!misattributed_) return;
  for (auto& [kind, uses] : uses_) {
    for (Use& use : uses) {
      if (use.rank == kReplayed) use.rank = kMisattributed;
    }
  }
}

// What the row said when it was imported before, if it says something else now.
Status SessionUses::DropFormer(const SourceRow& row) {
  const bool made = row.known.has_value() && row.known->verdict == ImportVerdict::kImported;
  return made && row.Changed() ? store::DropImportedUse(engine_.db(), row.dst()) : absl::OkStatus();
}

// Asked once a skill: a session may have thousands of rows of one.
StatusOr<bool> SessionUses::Counts(const std::string& skill) {
  const auto known = counts_.find(skill);
  if (known != counts_.end()) return known->second;
  ST_ASSIGN_OR_RETURN(const store::SkillId id, engine_.writer().EnsureSkill(skill));
  ST_ASSIGN_OR_RETURN(const bool told, store::IsToldByOthers(engine_.db(), session_.pk, id));
  counts_[skill] = !told;
  return !told;
}

Status SessionUses::FindWords() {
  worded_.emplace();
  for (const RowAt& at : rows_.usage) {
    ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(at));
    if (row.row["query"].is_null()) continue;
    Worded& worded = (*worded_)[base::AsciiLower(base::Trim(TextOf(row.row["skill_name"])))];
    if (worded.first == nullptr) worded.first = &at;
    if (const auto time = TimeOf(row.row["timestamp"])) worded.timed.emplace_back(time->value, &at);
  }
  for (auto& [skill, worded] : *worded_) std::ranges::sort(worded.timed);
  return absl::OkStatus();
}

// Of equally near ones the earlier.
const RowAt* SessionUses::Nearest(const Worded& worded, const std::optional<UtcMillis>& at) {
  if (!at.has_value() || worded.timed.empty()) return worded.first;
  const auto time = &std::pair<int64_t, const RowAt*>::first;
  auto nearest = std::ranges::lower_bound(worded.timed, at->value, {}, time);
  const bool none_later = nearest == worded.timed.end();
  if (nearest == worded.timed.begin()) return nearest->second;
  const auto before = std::prev(nearest);
  if (none_later || at->value - before->first <= nearest->first - at->value) {
    nearest = std::ranges::lower_bound(worded.timed, before->first, {}, time);
  }
  return nearest->second;
}

// Its own, else of the old table's row nearest in time, else of its prompt.
StatusOr<std::string> SessionUses::QueryOf(const Use& use, const SourceRow& row) {
  std::string own = TextOf(row.row["query"]);
  if (!own.empty()) return own;
  if (!worded_.has_value()) ST_RETURN_IF_ERROR(FindWords());
  const auto worded = worded_->find(base::AsciiLower(use.skill));
  if (worded != worded_->end()) {
    const RowAt* const nearest = Nearest(worded->second, TimeOf(row.row["occurred_at"]));
    ST_ASSIGN_OR_RETURN(const SourceRow told, engine_.Load(*nearest));
    return TextOf(told.row["query"]);
  }
  if (use.rank == kMisattributed) return std::string();
  return prompts_.TextOfPrompt(TextOf(row.row["matched_prompt_id"]));
}

StatusOr<store::WrittenUse> SessionUses::Write(const Use& use, const SourceRow& row) {
  ST_RETURN_IF_ERROR(DropFormer(row));
  const auto& r = row.row;
  const auto at = TimeOf(r["occurred_at"]);
  std::string id = TextOf(r["skill_invocation_id"]);
  // Rows without one are not one row.
  if (id.empty())
    id = fmt::format("{}:si:{}", rows_.id,
                     base::Hex(base::FieldHash("use")
                                   .Add(TextOf(r["occurred_at"]))
                                   .Add(use.skill)
                                   .Add(TextOf(r["query"]))
                                   .Key16()));
  const std::string mode = TextOf(r["invocation_mode"]);
  const std::string tool = TextOf(r["tool_name"]);
  const UseWords words = UseOf(use.triggered, mode, TextOf(r["capture_mode"]), tool);
  ST_ASSIGN_OR_RETURN(const std::string query, QueryOf(use, row));
  const store::StoredPrompt* prompt = nullptr;
  if (use.rank != kMisattributed) {
    // Its hook and its replay number prompts differently: the words say more than the number.
    const std::string id_of_prompt = TextOf(r["matched_prompt_id"]);
    prompt = prompts_.ById(id_of_prompt);
    if (!query.empty() && !prompts_.Says(id_of_prompt, query)) {
      const store::StoredPrompt* said = prompts_.ByText(query, at);
      if (said != nullptr) prompt = said;
    }
  }
  const std::string path = TextOf(r["skill_path"]);
  const std::string scope = TextOf(r["skill_scope"]);
  const std::string agent = TextOf(r["agent_type"]);
  store::ImportedUse out{.session_id = rows_.id,
                         .key = id,
                         .skill = use.skill,
                         .outcome = words.outcome,
                         .level = words.level,
                         .route = words.route,
                         .requested_by = words.requested_by,
                         .mode = words.mode.empty() ? std::string_view("inferred") : words.mode,
                         .confidence = r["confidence"].AsReal().value_or(words.confidence),
                         .capture = use.rank == kRepaired ? Capture::kRepair : Capture::kLegacy,
                         .misattributed = use.rank == kMisattributed,
                         .polluted = IsPolluted(query, ""),
                         .query = query,
                         .at = at,
                         .tool_name = tool,
                         .agent_type = agent,
                         .path = path,
                         .scope = ScopeOf(scope),
                         .extra = use.rank == kMisattributed
                                      ? std::string_view(R"({"attribution":"session_last_prompt"})")
                                      : std::string_view()};
  if (prompt != nullptr && prompt->actionable) out.prompt = *prompt;
  ST_ASSIGN_OR_RETURN(out.counts, Counts(use.skill));
  return store::WriteImportedUse(engine_.writer(), session_.pk, out);
}

Status SessionUses::WriteKind(const Kind& kind, std::vector<Use>& uses) {
  // The best first, of one kind as they were written.
  std::ranges::sort(uses, {}, [](const Use& use) { return std::pair(-use.rank, use.row); });
  const int best = uses.front().rank;
  for (const Use& use : uses) {
    ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(*use.row));
    if (use.rank < best) {
      ST_RETURN_IF_ERROR(engine_.Record(
          row, {.verdict = ImportVerdict::kMerged, .dst = best_[kind], .whole = true}));
      continue;
    }
    ST_ASSIGN_OR_RETURN(const store::WrittenUse written, Write(use, row));
    if (best_[kind] == 0) best_[kind] = written.pk;
    const auto& r = row.row;
    Fate fate{.verdict = written.is_new ? ImportVerdict::kImported : ImportVerdict::kMerged,
              .dst = written.pk,
              .carried = kUseColumns,
              .whole = !written.is_new && !row.known.has_value()};
    if (!r["occurred_at"].is_null() && !TimeOf(r["occurred_at"])) {
      fate.spoiled.push_back("occurred_at");
    }
    if (ScopeOf(TextOf(r["skill_scope"])).empty()) fate.spoiled.push_back("skill_scope");
    const std::string mode = TextOf(r["invocation_mode"]);
    if (UseOf(use.triggered, mode, TextOf(r["capture_mode"]), "").mode != mode) {
      fate.spoiled.push_back("invocation_mode");
    }
    ST_RETURN_IF_ERROR(engine_.Record(row, fate));
  }
  return absl::OkStatus();
}

Status SessionUses::TakeUses() {
  for (const RowAt& at : rows_.uses) ST_RETURN_IF_ERROR(Take(at));
  FindMisattributed();
  for (auto& [kind, uses] : uses_) ST_RETURN_IF_ERROR(WriteKind(kind, uses));
  return absl::OkStatus();
}

// A row of the old table: a decision of its own only where nothing else tells of one.
Status SessionUses::TakeUsage(const SourceRow& row) {
  const auto& r = row.row;
  const std::string skill(base::Trim(TextOf(r["skill_name"])));
  if (skill.empty()) return engine_.Reject(row, "skill_name is missing");
  if (!r["triggered"].is_null() && !IsBoolean(r["triggered"])) {
    return engine_.Reject(row, fmt::format("triggered is {}", TextOf(r["triggered"])));
  }
  const bool triggered = r["triggered"].is_null() || r["triggered"].AsInt() == 1;
  const auto known = best_.find(Kind(base::AsciiLower(skill), triggered));
  const bool itself = known != best_.end() && row.known.has_value() &&
                      row.known->verdict == ImportVerdict::kImported && row.dst() == known->second;
  if (known != best_.end() && !itself) {
    return engine_.Record(row,
                          {.verdict = ImportVerdict::kMerged, .dst = known->second, .whole = true});
  }
  // The reference's repair wrote its rows to a log of their own.
  const bool repaired = row.table == "log:skill_usage_repaired.jsonl";
  const auto better = repaired_.find(Kind(base::AsciiLower(skill), triggered));
  if (better != repaired_.end() && row.table == "log:skill_usage_log.jsonl") {
    return engine_.Record(
        row, {.verdict = ImportVerdict::kMerged, .dst = better->second, .whole = true});
  }
  ST_RETURN_IF_ERROR(DropFormer(row));
  const auto at = TimeOf(r["timestamp"]);
  const std::string query = TextOf(r["query"]);
  const std::string path = TextOf(r["skill_path"]);
  const std::string scope = TextOf(r["skill_scope"]);
  const UseWords words = UseOf(triggered, "", "", "");
  // As the reference names such a row when it copies it into its new table.
  const std::string key = fmt::format("{}:su:{}:{}", rows_.id, TextOf(r["timestamp"]), skill);
  store::ImportedUse use{.session_id = rows_.id,
                         .key = key,
                         .skill = skill,
                         .outcome = words.outcome,
                         .level = words.level,
                         .route = words.route,
                         .mode = repaired    ? "repaired"
                                 : triggered ? "inferred"
                                             : "contextual",
                         .confidence = words.confidence,
                         .capture = repaired ? Capture::kRepair : Capture::kLegacy,
                         .polluted = IsPolluted(query, ""),
                         .query = query,
                         .at = at,
                         .path = path,
                         .scope = ScopeOf(scope)};
  const store::StoredPrompt* prompt = query.empty() ? nullptr : prompts_.ByText(query, at);
  if (prompt != nullptr) use.prompt = *prompt;
  ST_ASSIGN_OR_RETURN(use.counts, Counts(skill));
  ST_ASSIGN_OR_RETURN(const store::WrittenUse written,
                      store::WriteImportedUse(engine_.writer(), session_.pk, use));
  if (repaired) repaired_.try_emplace(Kind(base::AsciiLower(skill), triggered), written.pk);
  Fate fate{.verdict = written.is_new ? ImportVerdict::kImported : ImportVerdict::kMerged,
            .dst = written.pk,
            .carried = kUsageColumns,
            .whole = !written.is_new && !row.known.has_value()};
  if (!r["timestamp"].is_null() && !at) fate.spoiled.push_back("timestamp");
  if (ScopeOf(scope).empty()) fate.spoiled.push_back("skill_scope");
  return engine_.Record(row, fate);
}

Status SessionUses::Import() {
  ST_RETURN_IF_ERROR(TakeUses());
  // What earlier passes or our own captures know of; rows of this table do not count
  // against each other.
  std::set<int64_t> ours;
  for (const RowAt& row : rows_.usage) {
    if (row.known.has_value() && row.known->verdict == ImportVerdict::kImported) {
      ours.insert(row.dst());
    }
  }
  ST_ASSIGN_OR_RETURN(const std::vector<store::StoredUse> stored,
                      store::UsesOfSession(engine_.db(), session_.pk));
  for (const store::StoredUse& use : stored) {
    if (!ours.contains(use.pk)) best_.try_emplace(Kind(use.skill_key, use.triggered), use.pk);
  }
  for (const RowAt& at : rows_.usage) {
    ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(at));
    ST_RETURN_IF_ERROR(TakeUsage(row));
  }
  return absl::OkStatus();
}

}  // namespace selftune::upstream
