// Eval sets that the reference had.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/forget.h"
#include "store/forget_texts.h"
#include "store/import_rows.h"
#include "store/imported_entry.h"

namespace selftune::store {
namespace {

constexpr char kNameOf[] = R"sql(SELECT name FROM skill WHERE name_key=?1)sql";
// `set_ms` of an entry: when the newest imported set with it was stored.
constexpr char kActive[] = R"sql(
  SELECT coalesce(max(json_extract(extra,'$.set_ms') IS NULL AND coalesce(json_extract(extra,'$.reason'),'')<>'imported'),0),
    coalesce(max(coalesce(json_extract(extra,'$.set_ms'),last_ms)),?2)
  FROM eval_entry WHERE skill_id=?1 AND active=1)sql";
constexpr char kDeactivate[] =
    R"sql(UPDATE eval_entry SET active=0 WHERE skill_id=?1 AND active=1)sql";
// One that lost its words says nothing more: it is as a new one, but for its side.
constexpr char kAddEntry[] = R"sql(
  INSERT INTO eval_entry(skill_id,entry_id,query_body,should_trigger,invocation_type,source,label_confidence,split,cluster,
    active,first_ms,last_ms,extra) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,0,?10,?11,?12)
  ON CONFLICT DO UPDATE SET query_body=excluded.query_body, should_trigger=excluded.should_trigger,
    invocation_type=excluded.invocation_type, source=excluded.source, label_confidence=excluded.label_confidence,
    first_ms=excluded.first_ms, last_ms=excluded.last_ms, extra=excluded.extra
  WHERE (SELECT text IS NULL FROM body WHERE body_id=eval_entry.query_body))sql";
constexpr char kEntry[] = R"sql(
  SELECT e.should_trigger, )sql" ST_ENTRY_IS_IMPORTED
                          R"sql(, json_extract(e.extra,'$.set_ms'), b.text IS NULL
  FROM eval_entry e JOIN body b ON b.body_id=e.query_body WHERE e.skill_id=?1 AND e.entry_id=?2)sql";
constexpr char kRelabel[] = R"sql(
  UPDATE eval_entry SET should_trigger=?3, invocation_type=?4, source=?5, label_confidence=?6,
    extra=json_set(extra,'$.reason','imported','$.set_ms',?7)
  WHERE skill_id=?1 AND entry_id=?2)sql";
constexpr char kActivate[] = R"sql(
  UPDATE eval_entry SET active=1, extra=json_set(coalesce(extra,'{}'),'$.set_ms',?3) WHERE skill_id=?1 AND entry_id=?2)sql";
constexpr char kRemembered[] =
    R"sql(SELECT EXISTS(SELECT 1 FROM forgotten WHERE session_key=?1 AND text_key=?2))sql";
constexpr char kBodyGone[] =
    R"sql(SELECT EXISTS(SELECT 1 FROM body WHERE sha256=?1 AND text IS NULL))sql";
constexpr char kBodyThere[] =
    R"sql(SELECT EXISTS(SELECT 1 FROM body WHERE sha256=?1 AND text IS NOT NULL))sql";

// Somebody's words that were forgotten, and that nobody else said; as they were there, and as
// the query has them.
StatusOr<bool> AreForgotten(Db& db, const ImportedEntry& entry) {
  const ForgottenQuery keys = KeysOfQuery(entry.row.query);
  ST_ASSIGN_OR_RETURN(const int64_t remembered,
                      db.QueryInt(kRemembered, 0, Blob{keys.session_key}, Blob{keys.text_key}));
  bool forgotten = remembered != 0;
  const std::string_view words = entry.words;
  for (const std::string_view text :
       {std::string_view(entry.row.query), words, base::Trim(words)}) {
    if (text.empty()) continue;
    const std::string key = base::Sha256Bytes(text);
    ST_ASSIGN_OR_RETURN(const int64_t there, db.QueryInt(kBodyThere, 0, Blob{key}));
    if (there != 0) return false;
    ST_ASSIGN_OR_RETURN(const int64_t emptied, db.QueryInt(kBodyGone, 0, Blob{key}));
    const std::string erased = ErasedBodyKey(key);
    ST_ASSIGN_OR_RETURN(const int64_t gone, db.QueryInt(kBodyGone, 0, Blob{erased}));
    forgotten = forgotten || emptied != 0 || gone != 0;
  }
  return forgotten;
}

// An entry as it is here.
struct StoredEntry {
  bool should_trigger = false, imported = false;
  std::optional<UtcMillis> set;  // the newest imported one that has it
  bool erased = false;           // its words are forgotten
};

StatusOr<std::optional<StoredEntry>> FindEntry(Db& db, SkillId skill, const std::string& id) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kEntry, skill, id));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<StoredEntry>();
  return std::optional<StoredEntry>({.should_trigger = row.Bool(0),
                                     .imported = row.Bool(1),
                                     .set = row.OptTime(2),
                                     .erased = row.Bool(3)});
}

// Puts a set into the place that it deserves beside those that are here.
class Placing {
 public:
  Placing(IngestWriter& writer, SkillId skill, UtcMillis stored)
      : writer_(writer), db_(writer.db()), skill_(skill), stored_(stored) {}

  StatusOr<PlacedEvalSet> Run(std::span<const ImportedEntry> entries) {
    ST_RETURN_IF_ERROR(LookAtActive());
    for (const ImportedEntry& entry : entries) ST_RETURN_IF_ERROR(Take(entry.row));
    if (out_.place != EvalSetPlace::kActive || members_.empty()) return out_;
    ST_RETURN_IF_ERROR(db_.Run(kDeactivate, skill_));
    for (const EvalEntryRow* entry : members_) {
      ST_RETURN_IF_ERROR(db_.Run(kActivate, skill_, entry->entry_id, stored_));
    }
    out_.took_place = before_.value < stored_.value;
    return out_;
  }

 private:
  Status LookAtActive() {
    ST_ASSIGN_OR_RETURN(Cursor row, db_.Query(kActive, skill_, stored_));
    ST_RETURN_IF_ERROR(row.Next().status());
    if (row.Bool(0)) {
      out_.place = EvalSetPlace::kBehindOurs;
    } else if (stored_.value < row.Int(1)) {
      out_.place = EvalSetPlace::kBehindNewer;
    }
    before_ = UtcMillis{row.Int(1)};
    return absl::OkStatus();
  }

  Status Take(const EvalEntryRow& entry) {
    ST_ASSIGN_OR_RETURN(const std::optional<StoredEntry> known,
                        FindEntry(db_, skill_, entry.entry_id));
    if (!known.has_value() || known->erased) {
      ST_ASSIGN_OR_RETURN(const bool past, writer_.IsPast(entry.first));
      ++(past ? out_.past : out_.forgotten);
      return absl::OkStatus();
    }
    if (!known->imported && known->should_trigger != entry.should_trigger) {
      ++out_.contrary;
      return absl::OkStatus();
    }
    members_.push_back(&entry);
    if (!known->imported || (known->set.has_value() && *known->set > stored_)) {
      return absl::OkStatus();
    }
    out_.made += known->set.has_value() ? 0 : 1;
    return db_.Run(kRelabel, skill_, entry.entry_id, entry.should_trigger, entry.invocation_type,
                   entry.source, entry.label_confidence, stored_);
  }

  IngestWriter& writer_;
  Db& db_;
  SkillId skill_;
  UtcMillis stored_;
  UtcMillis before_;  // when the one that is active was stored; `stored_` = there is none
  std::vector<const EvalEntryRow*> members_;
  PlacedEvalSet out_;
};

}  // namespace

StatusOr<std::string> NameOfSkill(Db& db, std::string_view name) {
  const std::string_view trimmed = base::Trim(name);
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kNameOf, base::AsciiLower(trimmed)));
  ST_ASSIGN_OR_RETURN(const bool known, row.Next());
  return known ? row.String(0) : std::string(trimmed);
}

Status AddImportedEntries(IngestWriter& writer, std::string_view skill,
                          std::span<const ImportedEntry> entries) {
  Db& db = writer.db();
  ST_ASSIGN_OR_RETURN(const SkillId id, writer.EnsureSkill(skill));
  for (const ImportedEntry& imported : entries) {
    const EvalEntryRow& entry = imported.row;
    ST_ASSIGN_OR_RETURN(const bool past, writer.IsPast(entry.first));
    ST_ASSIGN_OR_RETURN(const bool forgotten, AreForgotten(db, imported));
    if (past || forgotten) continue;
    ST_ASSIGN_OR_RETURN(const BodyId query, writer.InternBody(entry.query));
    ST_RETURN_IF_ERROR(db.Run(kAddEntry, id, entry.entry_id, query, entry.should_trigger,
                              entry.invocation_type, entry.source, entry.label_confidence,
                              entry.split, OrNull{entry.cluster}, entry.first, entry.last,
                              entry.extra));
  }
  return absl::OkStatus();
}

StatusOr<PlacedEvalSet> PlaceImportedEvalSet(IngestWriter& writer, std::string_view skill,
                                             UtcMillis stored,
                                             std::span<const ImportedEntry> entries) {
  ST_ASSIGN_OR_RETURN(const SkillId id, writer.EnsureSkill(skill));
  ST_ASSIGN_OR_RETURN(PlacedEvalSet out, Placing(writer, id, stored).Run(entries));
  out.skill = id;
  writer.db().Touch(kTopicEvolution);
  return out;
}

}  // namespace selftune::store
