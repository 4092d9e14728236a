#include "upstream/eval_sets.h"

#include <algorithm>
#include <map>
#include <optional>
#include <span>
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
#include "upstream/news.h"
#include "upstream/row_text.h"

namespace selftune::upstream {
namespace {

// As of a set that a person names: more is no set of queries.
constexpr size_t kMaxBytes = 8 << 20;
constexpr size_t kMaxEntries = 5000;
constexpr size_t kPiece = 100;  // entries between two looks at the clock

// Where a set stands that is not the active one: each begins with kNotInUse.
constexpr std::string_view kBehindOurs = "inactive: a set of ours is the active one";
constexpr std::string_view kBehindNewer = "inactive: a newer one was imported";
constexpr std::string_view kBehindAnothersNewer =
    "inactive: a newer one of another database was imported";

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
  std::vector<std::string> words;  // of each: whole, where its query is not all; "" = it is
  size_t there = 0;                // in the text
  size_t left = 0;                 // of those: not to be used
  std::string first;               // what is wrong with the first of them
  std::string problem;             // of the row; "" = none
};

class SetReader {
 public:
  // `skill`: as it is called here.
  explicit SetReader(std::string skill) { set_.skill = std::move(skill); }

  ReadSet Read(const store::LooseRow& row) {
    const auto stored = TimeOf(row["stored_at"]);
    if (set_.skill.empty()) return Refuse("skill_name is missing");
    if (!stored.has_value()) return Refuse("stored_at is " + TextOf(row["stored_at"]));
    set_.stored = *stored;
    const TextIn text(row["eval_set_json"]);
    if (text.view().size() > kMaxBytes) {
      return Refuse(fmt::format("eval_set_json has {} bytes, at most {} are read",
                                text.view().size(), kMaxBytes));
    }
    const auto json = Parse(text.view());
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
  // The reference cuts queries also through a pair of surrogates.
  static StatusOr<base::JsonValue> Parse(std::string_view text) {
    StatusOr<base::JsonValue> json = base::JsonValue::Parse(text);
    if (json.ok()) return json;
    const std::optional<std::string> mended = WithoutLoneSurrogates(text);
    return mended.has_value() ? base::JsonValue::Parse(*mended) : std::move(json);
  }

  ReadSet Refuse(std::string why) {
    set_.problem = std::move(why);
    return std::move(set_);
  }

  // What is wrong with it; "" = nothing.
  std::string_view Take(const base::JsonValue& entry) {
    const std::string words = entry["query"].AsString();
    const std::string whole(base::Trim(words));
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
    set_.words.push_back(words == out.query ? std::string() : words);
    return {};
  }

  ReadSet set_;
  std::map<std::string, bool> labels_;  // by id
};

// One of them on its way into the store. Its text may be large: it is read while nobody waits
// for us, and written in pieces.
class SetImport {
 public:
  // `behind` hears of sets of other sources that were in use, until this one came.
  SetImport(Engine& engine, const SourceRow& row, std::vector<store::ImportRowKey>& behind)
      : engine_(engine), row_(row), behind_(behind) {}

  Status Run() {
    ST_ASSIGN_OR_RETURN(std::string skill,
                        store::NameOfSkill(engine_.db(), TextOf(row_.row["skill_name"])));
    set_ = SetReader(std::move(skill)).Read(row_.row);
    ST_ASSIGN_OR_RETURN(const std::vector<store::EvalEntryRow> known,
                        store::ReadEvalEntries(engine_.db(), set_.skill));
    eval::AssignSides(set_.skill, known, set_.entries);
    std::vector<store::EvalEntryRow> rows = eval::RowsOf(set_.entries);
    for (size_t i = 0; i < rows.size(); ++i) {
      entries_.push_back({std::move(rows[i]), std::move(set_.words[i])});
    }
    ST_RETURN_IF_ERROR(engine_.Begin());
    ST_RETURN_IF_ERROR(Write());
    return engine_.Commit(true);
  }

 private:
  Status Write() {
    // Nothing tells whether what was forgotten is in what is no entry.
    ST_ASSIGN_OR_RETURN(const bool any, engine_.writer().AnyForgotten());
    if (!set_.problem.empty()) {
      return engine_.Record(
          row_, {.verdict = ImportVerdict::kRejected, .reason = set_.problem, .forgotten = any});
    }
    // What was said before the moment from which on words are kept.
    ST_ASSIGN_OR_RETURN(const bool past, engine_.writer().IsPast(set_.stored));
    if (past) {
      return engine_.Record(row_, {.verdict = ImportVerdict::kMerged,
                                   .reason = "older than what is kept",
                                   .forgotten = true});
    }
    if (entries_.empty()) {
      return engine_.Record(row_, {.verdict = ImportVerdict::kMerged, .whole = true});
    }
    const std::span<const store::ImportedEntry> all(entries_);
    for (size_t at = 0; at < all.size(); at += kPiece) {
      ST_RETURN_IF_ERROR(engine_.Begin());
      ST_RETURN_IF_ERROR(store::AddImportedEntries(
          engine_.writer(), set_.skill, all.subspan(at, std::min(kPiece, all.size() - at))));
      ST_RETURN_IF_ERROR(engine_.Commit(false));
    }
    ST_RETURN_IF_ERROR(engine_.Begin());
    ST_ASSIGN_OR_RETURN(
        const store::PlacedEvalSet placed,
        store::PlaceImportedEvalSet(engine_.writer(), set_.skill, set_.stored, entries_));
    if (placed.took_place) ST_RETURN_IF_ERROR(TellOfOthers(placed.skill));
    return engine_.Record(
        row_, {.verdict = placed.made > 0 ? ImportVerdict::kImported : ImportVerdict::kMerged,
               .dst = placed.skill.value,
               .reason = ReasonOf(placed),
               .standing = StandingOf(placed),
               .whole = true,
               .forgotten = placed.forgotten + placed.past > 0 || (any && set_.left > 0)});
  }

  // Those of the skill that were in use until now.
  Status TellOfOthers(store::SkillId skill) {
    ST_ASSIGN_OR_RETURN(const std::vector<store::ImportRowKey> others,
                        store::ImportsInUse(engine_.db(), row_.table, skill.value));
    for (const store::ImportRowKey& other : others) {
      const bool here = other.origin == engine_.ledger().origin();
      if (here && other.id == row_.id) continue;
      ST_ASSIGN_OR_RETURN(
          const bool told,
          TellNotInUse(engine_.db(), other, here ? kBehindNewer : kBehindAnothersNewer));
      if (told && !here) behind_.push_back(other);
    }
    return absl::OkStatus();
  }

  // Of what is not as the reference had it; "" = nothing.
  [[nodiscard]] std::string ReasonOf(const store::PlacedEvalSet& placed) const {
    std::vector<std::string> out;
    const auto add = [&](int64_t some, std::string_view what) {
      if (some > 0) out.push_back(fmt::format("{} of {} entries {}", some, set_.there, what));
    };
    add(static_cast<int64_t>(set_.left), "left out: " + set_.first);
    add(placed.forgotten, "not taken: forgotten");
    add(placed.past, "not taken: older than what is kept");
    if (placed.place == store::EvalSetPlace::kActive) {
      add(placed.contrary, "inactive: what is known here says the contrary");
    }
    return base::Join(out, "; ");
  }

  // Of a set that stands behind another; "" = it is the active one.
  static std::string StandingOf(const store::PlacedEvalSet& placed) {
    switch (placed.place) {
      case store::EvalSetPlace::kActive:
        break;
      case store::EvalSetPlace::kBehindOurs:
        return std::string(kBehindOurs);
      case store::EvalSetPlace::kBehindNewer:
        return std::string(kBehindNewer);
    }
    return {};
  }

  Engine& engine_;
  const SourceRow& row_;
  std::vector<store::ImportRowKey>& behind_;
  ReadSet set_;
  std::vector<store::ImportedEntry> entries_;
};

// Those that are new, the one that was stored last at the end; without their texts.
StatusOr<std::vector<RowAt>> NewSets(Engine& engine) {
  struct SetAt {
    RowAt at;
    std::optional<UtcMillis> stored;
  };
  std::vector<SetAt> sets;
  ST_RETURN_IF_ERROR(engine.ForEach("canonical_eval_sets", "", [&](const SourceRow& row) {
    if (!row.Unchanged()) sets.push_back({row.at(), TimeOf(row.row["stored_at"])});
    return engine.CheckCancel();
  }));
  std::ranges::stable_sort(sets, {}, &SetAt::stored);
  std::vector<RowAt> out;
  out.reserve(sets.size());
  for (SetAt& set : sets) out.push_back(std::move(set.at));
  return out;
}

}  // namespace

StatusOr<std::vector<store::ImportRowKey>> ImportEvalSets(Engine& engine) {
  std::vector<store::ImportRowKey> behind;
  ST_RETURN_IF_ERROR(engine.Commit(true));
  ST_ASSIGN_OR_RETURN(const std::vector<RowAt> sets, NewSets(engine));
  for (const RowAt& at : sets) {
    ST_RETURN_IF_ERROR(engine.CheckCancel());
    ST_ASSIGN_OR_RETURN(const SourceRow row, engine.Load(at));
    ST_RETURN_IF_ERROR(SetImport(engine, row, behind).Run());
  }
  return behind;
}

}  // namespace selftune::upstream
