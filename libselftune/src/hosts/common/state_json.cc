#include "hosts/common/state_json.h"

#include <memory>
#include <string>
#include <utility>

#include "base/strings.h"

namespace selftune::hosts {

using base::JsonValue;
using base::JsonWriter;

void SaveText(JsonWriter& w, std::string_view key, std::string_view text) {
  if (!text.empty()) w.Field(key, text);
}

void SaveInt(JsonWriter& w, std::string_view key, int64_t value) {
  if (value != 0) w.Field(key, value);
}

void SaveFlag(JsonWriter& w, std::string_view key, bool value) {
  if (value) w.Field(key, value);
}

void SaveTime(JsonWriter& w, std::string_view key, std::optional<UtcMillis> time) {
  if (time.has_value()) w.Field(key, time->value);
}

void SaveKeys(JsonWriter& w, std::string_view key, const std::vector<uint64_t>& keys) {
  if (keys.empty()) return;
  w.Key(key).BeginArray();
  for (const uint64_t k : keys) w.Int(static_cast<int64_t>(k));
  w.EndArray();
}

std::optional<UtcMillis> LoadTime(const JsonValue& value) {
  if (!value.is_int()) return std::nullopt;
  return UtcMillis{value.AsInt()};
}

std::optional<int32_t> LoadSeq(const JsonValue& value) {
  if (!value.is_int()) return std::nullopt;
  return static_cast<int32_t>(value.AsInt());
}

std::vector<uint64_t> LoadKeys(const JsonValue& value) {
  std::vector<uint64_t> keys;
  for (const JsonValue& item : value.items()) keys.push_back(static_cast<uint64_t>(item.AsInt()));
  return keys;
}

void SaveOrigin(JsonWriter& w, std::string_view key, const ingest::Origin& origin) {
  w.Key(key).BeginArray();
  w.Int(static_cast<int64_t>(origin.offset)).Int(static_cast<int64_t>(origin.line_no));
  w.String(origin.record).EndArray();
}

ingest::Origin LoadOrigin(const JsonValue& value) {
  if (value.items().size() != 3) return {};
  return {.offset = static_cast<uint64_t>(value.items()[0].AsInt()),
          .line_no = static_cast<uint64_t>(value.items()[1].AsInt()),
          .record = value.items()[2].AsString()};
}

void SaveSkill(JsonWriter& w, const ingest::SkillFact& fact) {
  w.BeginObject().Field("key", fact.key).Field("skill", fact.skill);
  SaveFlag(w, "call", fact.key_is_call_id);
  SaveInt(w, "outcome", static_cast<int64_t>(fact.outcome));
  SaveInt(w, "level", static_cast<int64_t>(fact.level));
  SaveInt(w, "route", static_cast<int64_t>(fact.route));
  SaveInt(w, "by", static_cast<int64_t>(fact.requested_by));
  if (fact.prompt_seq.has_value()) w.Field("seq", static_cast<int64_t>(*fact.prompt_seq));
  SaveText(w, "tool", fact.tool_name);
  SaveText(w, "call_id", fact.tool_call_id);
  SaveText(w, "path", fact.path);
  SaveText(w, "args", fact.args);
  SaveFlag(w, "has_args", fact.has_args);
  SaveFlag(w, "forked", fact.forked);
  SaveFlag(w, "if_installed", fact.if_installed);
  SaveText(w, "sha", base::Hex(fact.body_sha256));
  SaveInt(w, "bytes", fact.body_bytes);
  SaveTime(w, "at", fact.at);
  SaveOrigin(w, "origin", fact.origin);
  w.EndObject();
}

ingest::SkillFact LoadSkill(const JsonValue& value) {
  ingest::SkillFact fact;
  fact.key = value["key"].AsString();
  fact.skill = value["skill"].AsString();
  fact.key_is_call_id = value["call"].AsBool();
  fact.outcome = static_cast<Outcome>(value["outcome"].AsInt());
  fact.level = static_cast<Level>(value["level"].AsInt());
  fact.route = static_cast<Route>(value["route"].AsInt());
  fact.requested_by = static_cast<RequestedBy>(value["by"].AsInt());
  fact.prompt_seq = LoadSeq(value["seq"]);
  fact.tool_name = value["tool"].AsString();
  fact.tool_call_id = value["call_id"].AsString();
  fact.path = value["path"].AsString();
  fact.args = value["args"].AsString();
  fact.has_args = value["has_args"].AsBool();
  fact.forked = value["forked"].AsBool();
  fact.if_installed = value["if_installed"].AsBool();
  fact.body_sha256 = base::FromHex(value["sha"].AsString()).value_or("");
  fact.body_bytes = value["bytes"].AsInt();
  fact.at = LoadTime(value["at"]);
  fact.origin = LoadOrigin(value["origin"]);
  return fact;
}

void SaveExposure(JsonWriter& w, const ingest::ExposureFact& fact) {
  w.BeginObject();
  if (fact.prompt_seq.has_value()) w.Field("seq", static_cast<int64_t>(*fact.prompt_seq));
  SaveTime(w, "at", fact.at);
  SaveInt(w, "cause", static_cast<int64_t>(fact.cause));
  SaveOrigin(w, "origin", fact.origin);
  if (fact.listing != nullptr) {
    w.Key("listing").BeginArray();
    for (const ingest::ListingEntry& entry : fact.listing->entries) {
      w.BeginArray().String(entry.name).Int(static_cast<int64_t>(entry.state));
      if (entry.has_description || !entry.path.empty()) {
        entry.has_description ? w.String(entry.description) : w.Null();
      }
      if (!entry.path.empty()) w.String(entry.path);
      w.EndArray();
    }
    w.EndArray();
  }
  w.EndObject();
}

ingest::ExposureFact LoadExposure(const JsonValue& value) {
  ingest::ExposureFact fact;
  fact.prompt_seq = LoadSeq(value["seq"]);
  fact.at = LoadTime(value["at"]);
  fact.cause = static_cast<ExposureCause>(value["cause"].AsInt());
  fact.origin = LoadOrigin(value["origin"]);
  if (!value["listing"].is_array()) return fact;
  auto listing = std::make_shared<ingest::Listing>();
  for (const JsonValue& item : value["listing"].items()) {
    const std::vector<JsonValue>& parts = item.items();
    if (parts.size() < 2) continue;
    ingest::ListingEntry& entry = listing->entries.emplace_back();
    entry.name = parts[0].AsString();
    entry.state = static_cast<ExposureState>(parts[1].AsInt());
    entry.has_description = parts.size() > 2 && parts[2].is_string();
    if (entry.has_description) entry.description = parts[2].AsString();
    if (parts.size() > 3) entry.path = parts[3].AsString();
  }
  fact.listing = std::move(listing);
  return fact;
}

}  // namespace selftune::hosts
