#include "upstream/eval_sets.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json_value.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "eval/classify.h"
#include "eval/eval_set.h"
#include "store/eval_rows.h"
#include "store/import_rows.h"
#include "upstream/row_text.h"

namespace selftune::upstream {
namespace {

// As of a set that a person names: more is no set of queries.
constexpr size_t kMaxBytes = 8 << 20;
constexpr size_t kMaxEntries = 5000;

// What a label is worth. The reference took the absence of a trigger for a negative, and let
// a model make up queries that nobody looked at.
double WorthOf(std::string_view source, bool should) {
  constexpr double kSeen = 0.95, kAbsent = 0.6, kMadeUp = 0.5;
  if (source != "log") return kMadeUp;
  return should ? kSeen : kAbsent;
}

std::string SourceOf(const base::JsonValue& entry) {
  const std::string source = entry["source"].AsString();
  const bool known = source == "log" || source == "synthetic" || source == "blended";
  return known ? source : "unknown";
}

std::string TypeOf(const base::JsonValue& entry, std::string_view query, std::string_view skill) {
  if (!entry["should_trigger"].AsBool()) return "negative";
  const std::string type = entry["invocation_type"].AsString();
  const bool known = type == "explicit" || type == "implicit" || type == "contextual";
  return known ? type : std::string(eval::Word(eval::ClassifyInvocation(query, skill).type));
}

struct ReadSet {
  std::string skill;
  UtcMillis stored;
  std::vector<eval::EvalEntry> entries;
  size_t there = 0;     // in the text
  size_t left = 0;      // of those: not to be used
  std::string first;    // what is wrong with the first of them
  std::string problem;  // of the row; "" = none
};

class SetReader {
 public:
  ReadSet Read(const store::LooseRow& row) {
    set_.skill = std::string(base::Trim(TextOf(row["skill_name"])));
    const auto stored = TimeOf(row["stored_at"]);
    if (set_.skill.empty()) return Refuse("skill_name is missing");
    if (!stored.has_value()) return Refuse("stored_at is " + TextOf(row["stored_at"]));
    set_.stored = *stored;
    const TextIn text(row["eval_set_json"]);
    if (text.view().size() > kMaxBytes) {
      return Refuse(fmt::format("eval_set_json has {} bytes, at most {} are read",
                                text.view().size(), kMaxBytes));
    }
    const auto json = base::JsonValue::Parse(text.view());
    if (!json.ok() || !json->is_array()) return Refuse("eval_set_json is no JSON array");
    set_.there = json->items().size();
    if (set_.there > kMaxEntries) {
      return Refuse(fmt::format("{} entries, at most {} are read", set_.there, kMaxEntries));
    }
    size_t number = 0;
    for (const base::JsonValue& entry : json->items()) {
      const std::string_view wrong = Take(entry);
      ++number;
      if (!wrong.empty() && set_.left++ == 0) {
        set_.first = fmt::format("number {} {}", number, wrong);
      }
    }
    if (set_.left > 0 && set_.entries.empty()) return Refuse("no entry is one: " + set_.first);
    return std::move(set_);
  }

 private:
  ReadSet Refuse(std::string why) {
    set_.problem = std::move(why);
    return std::move(set_);
  }

  // What is wrong with it; "" = nothing.
  std::string_view Take(const base::JsonValue& entry) {
    const std::string whole(base::Trim(entry["query"].AsString()));
    if (whole.empty()) return "has no query";
    if (!entry["should_trigger"].is_bool()) return "has no should_trigger";
    const bool should = entry["should_trigger"].AsBool();
    const std::string id = eval::EntryId(set_.skill, whole);
    const auto [known, is_new] = labels_.emplace(id, should);
    if (!is_new) return known->second == should ? "" : "says the contrary of one before it";
    eval::EvalEntry& out = set_.entries.emplace_back();
    out.id = id;
    const std::string_view cut = base::FirstCodePoints(whole, eval::kMaxQueryCodePoints);
    out.query = std::string(cut);
    out.truncated = cut.size() < whole.size();
    out.should_trigger = should;
    out.invocation_type = TypeOf(entry, whole, set_.skill);
    out.source = SourceOf(entry);
    out.reason = "imported";
    out.label_confidence = WorthOf(out.source, should);
    const auto made = TimeOf(store::LooseValue::Text(entry["created_at"].AsString()));
    out.first = out.last = made.value_or(set_.stored);
    return {};
  }

  ReadSet set_;
  std::map<std::string, bool> labels_;  // by id
};

Status ImportEvalSet(Engine& engine, const SourceRow& row) {
  ReadSet set = SetReader().Read(row.row);
  if (!set.problem.empty()) return engine.Reject(row, set.problem);
  // What was said before the moment from which on words are kept.
  ST_ASSIGN_OR_RETURN(const bool past, engine.writer().IsPast(set.stored));
  if (past) {
    return engine.Record(row, {.verdict = ImportVerdict::kMerged,
                               .reason = "older than what is kept",
                               .forgotten = true});
  }
  ST_ASSIGN_OR_RETURN(const std::vector<store::EvalEntryRow> known,
                      store::ReadEvalEntries(engine.db(), set.skill));
  eval::AssignSides(set.skill, known, set.entries);
  ST_ASSIGN_OR_RETURN(
      const store::WrittenEvalSet written,
      store::WriteImportedEvalSet(engine.writer(), set.skill, eval::RowsOf(set.entries)));
  Fate fate{.verdict = written.added > 0 ? ImportVerdict::kImported : ImportVerdict::kMerged,
            .dst = written.skill.value,
            .whole = true,
            .forgotten = written.forgotten > 0};
  if (set.left > 0) {
    fate.reason = fmt::format("{} of {} entries left out: {}", set.left, set.there, set.first);
  }
  return engine.Record(row, fate);
}

}  // namespace

Status ImportEvalSets(Engine& engine) {
  ST_RETURN_IF_ERROR(engine.ForEach("canonical_eval_sets", "", [&](const SourceRow& row) -> Status {
    if (row.Unchanged()) return absl::OkStatus();
    ST_RETURN_IF_ERROR(engine.Begin());
    ST_RETURN_IF_ERROR(ImportEvalSet(engine, row));
    return engine.Commit(false);
  }));
  return engine.Commit(true);
}

}  // namespace selftune::upstream
