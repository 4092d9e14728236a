#include "store/audit_steps.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/crypto.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::store::internal {
namespace {

constexpr char kReadEnd[] = "SELECT value FROM meta WHERE key='evolution_chain'";
constexpr char kSetEnd[] =
    "INSERT INTO meta(key,value) VALUES('evolution_chain',?1) "
    "ON CONFLICT DO UPDATE SET value=excluded.value";
constexpr char kReadSeam[] = "SELECT value FROM meta WHERE key='evolution_seam'";
constexpr char kSetSeam[] =
    "INSERT INTO meta(key,value) VALUES('evolution_seam',?1) "
    "ON CONFLICT DO UPDATE SET value=excluded.value";
constexpr char kDropSeam[] = "DELETE FROM meta WHERE key='evolution_seam'";
constexpr std::string_view kNone = "-";  // the hash in front of the first step

std::string HexOrNone(std::string_view hash) {
  return hash.empty() ? std::string(kNone) : base::Hex(hash);
}

// The step as text that always comes out the same: fixed keys, fixed order,
// absent and empty alike.
std::string Canonical(const AuditEvent& event) {
  base::JsonWriter out;
  out.BeginObject()
      .Field("event_id", event.event_id)
      .Field("proposal_id", event.proposal_id)
      .Field("skill_id", event.skill)
      .Field("action", event.action)
      .Field("occurred_ms", event.at.value)
      .Field("details", event.details)
      .Field("validation", event.validation)
      .Field("eval_set", event.eval_set)
      .Field("snapshot", event.snapshot)
      .Field("target", event.target)
      .Field("location", event.location)
      .Field("sha256_before", base::Hex(event.sha256_before))
      .Field("sha256_after", base::Hex(event.sha256_after))
      .Field("run_id", event.run_id)
      .Field("iterations", event.iterations.value_or(0))
      .Field("validation_mode", event.mode)
      .Field("validation_agent", event.agent)
      .Field("texts", event.texts)
      .EndObject();
  return std::move(out).Take();
}

}  // namespace

AuditEvent EventOf(const Cursor& row) {
  return {.event_id = row.String(0),
          .proposal_id = row.String(1),
          .action = row.String(3),
          .details = row.String(5),
          .validation = row.String(6),
          .eval_set = row.String(7),
          .snapshot = row.String(8),
          .location = row.String(9),
          .sha256_before = std::string(row.Bytes(10)),
          .sha256_after = std::string(row.Bytes(11)),
          .run_id = row.String(12),
          .mode = row.String(14),
          .agent = row.String(15),
          .texts = row.String(16),
          .target = row.String(19),
          .skill = row.Int(2),
          .iterations = row.OptInt(13),
          .at = row.Time(4)};
}

std::string HashOf(std::string_view prev_hash, const AuditEvent& event) {
  return base::Sha256Bytes(std::string(prev_hash) + Canonical(event));
}

StatusOr<ChainEnd> ReadEnd(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kReadEnd));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return ChainEnd{};
  const std::string value = row.String(0);
  const std::vector<std::string_view> fields = base::SplitSpace(value);
  if (fields.size() != 2) return Fail(kStoreCorrupt, "reading where the audit ends: {}", value);
  return ChainEnd{.count = base::ParseInt(fields[0]).value_or(-1),
                  .hash = base::FromHex(fields[1]).value_or("")};
}

Status SetEnd(Db& db, const ChainEnd& end) {
  return db.Run(kSetEnd, fmt::format("{} {}", end.count, base::Hex(end.hash)));
}

StatusOr<std::optional<Seam>> ReadSeam(Db& db) {
  ST_ASSIGN_OR_RETURN(Cursor row, db.Query(kReadSeam));
  ST_ASSIGN_OR_RETURN(const bool found, row.Next());
  if (!found) return std::optional<Seam>();
  const std::string value = row.String(0);
  const std::vector<std::string_view> fields = base::SplitSpace(value);
  if (fields.size() != 3) return Fail(kStoreCorrupt, "reading the seam of the audit: {}", value);
  return std::optional<Seam>({.step = base::ParseInt(fields[0]).value_or(-1),
                              .old = base::FromHex(fields[1]).value_or(""),
                              .now = base::FromHex(fields[2]).value_or("")});
}

Status SetSeam(Db& db, const std::optional<Seam>& seam) {
  if (!seam.has_value()) return db.Run(kDropSeam);
  return db.Run(kSetSeam,
                fmt::format("{} {} {}", seam->step, HexOrNone(seam->old), HexOrNone(seam->now)));
}

}  // namespace selftune::store::internal
