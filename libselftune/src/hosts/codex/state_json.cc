// The saved form of a reader's state: JSON with short keys, empty parts left
// out. Only this file knows it; a change raises the parser's version.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "hosts/codex/state.h"

namespace selftune::hosts::codex {
namespace {

using base::JsonValue;
using base::JsonWriter;

constexpr int kFormat = 1;

// ---- writing

void Put(JsonWriter& w, std::string_view key, std::string_view text) {
  if (!text.empty()) w.Field(key, text);
}
void Put(JsonWriter& w, std::string_view key, const std::string& text) {
  Put(w, key, std::string_view(text));
}
void Put(JsonWriter& w, std::string_view key, int64_t number) {
  if (number != 0) w.Field(key, number);
}
void Put(JsonWriter& w, std::string_view key, bool flag) {
  if (flag) w.Field(key, true);
}
void Put(JsonWriter& w, std::string_view key, std::optional<UtcMillis> time) {
  if (time.has_value()) w.Field(key, time->value);
}
// JSON numbers are signed here; the bits are what matters.
int64_t Bits(uint64_t number) { return static_cast<int64_t>(number); }
uint64_t Unbits(const JsonValue& value) { return static_cast<uint64_t>(value.AsInt()); }

void PutUsage(JsonWriter& w, std::string_view key, const Usage& usage) {
  if (!usage.present) return;
  w.Key(key).BeginArray();
  w.Int(usage.input).Int(usage.cached).Int(usage.output).Int(usage.reasoning);
  if (usage.has_cache_write) w.Int(usage.cache_write);
  w.EndArray();
}

void PutTexts(JsonWriter& w, std::string_view key, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  w.Key(key).BeginArray();
  for (const std::string& text : texts) w.String(text);
  w.EndArray();
}

void PutHashes(JsonWriter& w, std::string_view key, const std::vector<uint64_t>& hashes) {
  if (hashes.empty()) return;
  w.Key(key).BeginArray();
  for (const uint64_t hash : hashes) w.Int(Bits(hash));
  w.EndArray();
}

void PutCall(JsonWriter& w, const OpenCall& call) {
  w.BeginObject();
  Put(w, "id", call.id);
  Put(w, "tool", call.tool);
  Put(w, "turn", call.turn);
  if (call.prompt.has_value()) w.Field("prompt", *call.prompt);
  Put(w, "at", call.at);
  Put(w, "offset", Bits(call.offset));
  Put(w, "line", Bits(call.line_no));
  Put(w, "only", call.only_command);
  Put(w, "failed", call.failed);
  Put(w, "nonzero", call.nonzero);
  Put(w, "spawned", call.spawned);
  Put(w, "running", call.running);
  PutTexts(w, "changed", call.changed);
  if (!call.uses.empty()) {
    w.Key("uses").BeginArray();
    for (const CallUse& use : call.uses) {
      w.BeginObject();
      Put(w, "skill", use.skill);
      Put(w, "path", use.path);
      Put(w, "script", use.route == Route::kScriptRun);
      Put(w, "file", use.file);
      w.EndObject();
    }
    w.EndArray();
  }
  w.EndObject();
}

void PutFact(JsonWriter& w, const ingest::SkillFact& fact) {
  w.BeginObject();
  Put(w, "key", fact.key);
  Put(w, "call", fact.key_is_call_id);
  Put(w, "skill", fact.skill);
  Put(w, "read_only", fact.outcome == Outcome::kReadOnly);
  Put(w, "mention", fact.route == Route::kMention);
  Put(w, "script", fact.route == Route::kScriptRun);
  Put(w, "user", fact.requested_by == RequestedBy::kUser);
  if (fact.prompt_seq.has_value()) w.Field("prompt", *fact.prompt_seq);
  Put(w, "tool", fact.tool_name);
  Put(w, "tool_call", fact.tool_call_id);
  Put(w, "path", fact.path);
  Put(w, "body", base::Hex(fact.body_sha256));
  Put(w, "bytes", fact.body_bytes);
  Put(w, "at", fact.at);
  Put(w, "offset", Bits(fact.origin.offset));
  Put(w, "line", Bits(fact.origin.line_no));
  Put(w, "record", fact.origin.record);
  w.EndObject();
}

void PutTurn(JsonWriter& w, const Turn& turn) {
  w.Key("turn").BeginObject();
  Put(w, "number", turn.number);
  Put(w, "id", turn.id);
  Put(w, "marked", turn.marked);
  Put(w, "prompt", turn.has_prompt);
  Put(w, "active", turn.model_active);
  Put(w, "answered", turn.answered);
  Put(w, "failed", turn.failed);
  if (turn.error_at.has_value()) w.Field("error_at", Bits(*turn.error_at));
  Put(w, "end", static_cast<int64_t>(turn.end));
  w.EndObject();
}

void PutTokens(JsonWriter& w, const TokenState& tokens) {
  w.Key("tokens").BeginObject();
  PutUsage(w, "total", tokens.total);
  Put(w, "restarted", tokens.restarted);
  Put(w, "records", tokens.has_records);
  PutUsage(w, "provisional", tokens.provisional);
  Put(w, "provisional_answers", tokens.provisional_answers);
  PutHashes(w, "counted", tokens.counted);
  PutHashes(w, "compactions", tokens.compactions);
  if (!tokens.recent.empty()) {
    w.Key("recent").BeginArray();
    for (const auto& [hash, usage] : tokens.recent) {
      w.BeginObject().Field("id", Bits(hash));
      PutUsage(w, "usage", usage);
      w.EndObject();
    }
    w.EndArray();
  }
  w.EndObject();
}

void PutExposure(JsonWriter& w, const PendingExposure& exposure) {
  w.Key("exposure").BeginObject();
  Put(w, "at", exposure.at);
  Put(w, "offset", Bits(exposure.offset));
  Put(w, "line", Bits(exposure.line_no));
  if (exposure.listing != nullptr) {
    w.Key("listing").BeginArray();
    for (const ingest::ListingEntry& entry : exposure.listing->entries) {
      w.BeginObject();
      Put(w, "name", entry.name);
      Put(w, "short", entry.state == ExposureState::kTruncated);
      Put(w, "text", entry.description);
      Put(w, "path", entry.path);
      w.EndObject();
    }
    w.EndArray();
  }
  w.EndObject();
}

void PutPrompts(JsonWriter& w, const State& state) {
  Put(w, "prompts", int64_t{state.prompts});
  if (!state.active.empty()) {
    w.Key("active").BeginArray();
    for (const auto& [from, to] : state.active) w.Int(from).Int(to);
    w.EndArray();
  }
  if (state.unpaired == Kind::kPromptEvent) w.Field("unpaired", "event");
  if (state.unpaired == Kind::kPromptItem) w.Field("unpaired", "item");
  Put(w, "last_prompt", Bits(state.last_prompt_text));
  Put(w, "mentions", state.mentions);
  PutTexts(w, "named", state.named);
  PutHashes(w, "skill_like", state.skill_like);
}

// ---- reading

std::string GetText(const JsonValue& object, std::string_view key) {
  return object[key].AsString();
}
std::optional<UtcMillis> GetTime(const JsonValue& object, std::string_view key) {
  if (!object[key].is_int()) return std::nullopt;
  return UtcMillis{object[key].AsInt()};
}
std::optional<int32_t> GetSeq(const JsonValue& object, std::string_view key) {
  if (!object[key].is_int()) return std::nullopt;
  return static_cast<int32_t>(object[key].AsInt());
}
std::vector<std::string> GetTexts(const JsonValue& object, std::string_view key) {
  std::vector<std::string> texts;
  for (const JsonValue& item : object[key].items()) texts.push_back(item.AsString());
  return texts;
}
std::vector<uint64_t> GetHashes(const JsonValue& object, std::string_view key) {
  std::vector<uint64_t> hashes;
  for (const JsonValue& item : object[key].items()) hashes.push_back(Unbits(item));
  return hashes;
}

Usage GetUsage(const JsonValue& object, std::string_view key) {
  const std::vector<JsonValue>& items = object[key].items();
  Usage usage;
  if (items.size() < 4) return usage;
  usage.present = true;
  usage.input = items[0].AsInt();
  usage.cached = items[1].AsInt();
  usage.output = items[2].AsInt();
  usage.reasoning = items[3].AsInt();
  usage.has_cache_write = items.size() > 4;
  if (usage.has_cache_write) usage.cache_write = items[4].AsInt();
  return usage;
}

OpenCall GetCall(const JsonValue& value) {
  OpenCall call;
  call.id = GetText(value, "id");
  call.tool = GetText(value, "tool");
  call.turn = value["turn"].AsInt();
  call.prompt = GetSeq(value, "prompt");
  call.at = GetTime(value, "at");
  call.offset = Unbits(value["offset"]);
  call.line_no = Unbits(value["line"]);
  call.only_command = value["only"].AsBool();
  call.failed = value["failed"].AsBool();
  call.nonzero = value["nonzero"].AsBool();
  call.spawned = value["spawned"].AsBool();
  call.running = value["running"].AsBool();
  call.changed = GetTexts(value, "changed");
  for (const JsonValue& use : value["uses"].items()) {
    const Route route = use["script"].AsBool() ? Route::kScriptRun : Route::kShellRead;
    call.uses.push_back({GetText(use, "skill"), GetText(use, "path"), route, GetText(use, "file")});
  }
  return call;
}

ingest::SkillFact GetFact(const JsonValue& value) {
  ingest::SkillFact fact;
  fact.key = GetText(value, "key");
  fact.key_is_call_id = value["call"].AsBool();
  fact.skill = GetText(value, "skill");
  if (value["read_only"].AsBool()) fact.outcome = Outcome::kReadOnly;
  const bool mention = value["mention"].AsBool();
  fact.level = mention ? Level::kExplicit : Level::kShellRead;
  fact.route = mention                    ? Route::kMention
               : value["script"].AsBool() ? Route::kScriptRun
                                          : Route::kShellRead;
  fact.requested_by = value["user"].AsBool() ? RequestedBy::kUser : RequestedBy::kModel;
  fact.prompt_seq = GetSeq(value, "prompt");
  fact.tool_name = GetText(value, "tool");
  fact.tool_call_id = GetText(value, "tool_call");
  fact.path = GetText(value, "path");
  fact.body_sha256 = base::FromHex(GetText(value, "body")).value_or("");
  fact.body_bytes = value["bytes"].AsInt();
  fact.at = GetTime(value, "at");
  fact.origin = {Unbits(value["offset"]), Unbits(value["line"]), GetText(value, "record")};
  return fact;
}

Turn GetTurn(const JsonValue& value) {
  Turn turn;
  turn.number = value["number"].AsInt();
  turn.id = GetText(value, "id");
  turn.marked = value["marked"].AsBool();
  turn.has_prompt = value["prompt"].AsBool();
  turn.model_active = value["active"].AsBool();
  turn.answered = value["answered"].AsBool();
  turn.failed = value["failed"].AsBool();
  if (value["error_at"].is_int()) turn.error_at = Unbits(value["error_at"]);
  const int64_t end = value["end"].AsInt();
  if (end > 0 && end <= static_cast<int64_t>(TurnEnd::kCancelled)) {
    turn.end = static_cast<TurnEnd>(end);
  }
  return turn;
}

TokenState GetTokens(const JsonValue& value) {
  TokenState tokens;
  tokens.total = GetUsage(value, "total");
  tokens.restarted = value["restarted"].AsBool();
  tokens.has_records = value["records"].AsBool();
  tokens.provisional = GetUsage(value, "provisional");
  tokens.provisional_answers = value["provisional_answers"].AsInt();
  tokens.counted = GetHashes(value, "counted");
  tokens.compactions = GetHashes(value, "compactions");
  for (const JsonValue& entry : value["recent"].items()) {
    tokens.recent.emplace_back(Unbits(entry["id"]), GetUsage(entry, "usage"));
  }
  return tokens;
}

PendingExposure GetExposure(const JsonValue& value) {
  PendingExposure exposure;
  exposure.at = GetTime(value, "at");
  exposure.offset = Unbits(value["offset"]);
  exposure.line_no = Unbits(value["line"]);
  if (!value["listing"].is_array()) return exposure;
  ingest::Listing listing;
  for (const JsonValue& item : value["listing"].items()) {
    ingest::ListingEntry& entry = listing.entries.emplace_back();
    entry.name = GetText(item, "name");
    entry.description = GetText(item, "text");
    entry.path = GetText(item, "path");
    entry.has_description = !entry.description.empty();
    if (!entry.has_description) entry.state = ExposureState::kNameOnly;
    if (item["short"].AsBool()) entry.state = ExposureState::kTruncated;
  }
  exposure.listing = std::make_shared<const ingest::Listing>(std::move(listing));
  return exposure;
}

void GetPrompts(const JsonValue& root, State& state) {
  state.prompts = static_cast<int32_t>(root["prompts"].AsInt());
  const std::vector<JsonValue>& active = root["active"].items();
  for (size_t i = 0; i + 1 < active.size(); i += 2) {
    state.active.emplace_back(active[i].AsInt(), active[i + 1].AsInt());
  }
  if (root["unpaired"].AsString() == "event") state.unpaired = Kind::kPromptEvent;
  if (root["unpaired"].AsString() == "item") state.unpaired = Kind::kPromptItem;
  state.last_prompt_text = Unbits(root["last_prompt"]);
  state.mentions = root["mentions"].AsInt();
  state.named = GetTexts(root, "named");
  state.skill_like = GetHashes(root, "skill_like");
}

void GetWork(const JsonValue& root, State& state) {
  state.turn = GetTurn(root["turn"]);
  state.tokens = GetTokens(root["tokens"]);
  state.turn_changes = GetTexts(root, "turn_changes");
  for (const JsonValue& use : root["turn_uses"].items()) state.turn_uses.push_back(GetFact(use));
  for (const JsonValue& call : root["calls"].items()) state.calls.push_back(GetCall(call));
  if (root.Has("mention")) {
    state.mention = PendingMention{GetFact(root["mention"]), Unbits(root["mention_text"])};
  }
  state.listing = Unbits(root["listing"]);
  state.listing_seen = root["listing_seen"].AsBool();
  for (const auto& [path, name] : root["names"].members()) state.names[path] = name.AsString();
  if (root.Has("exposure")) state.exposure = GetExposure(root["exposure"]);
}

}  // namespace

std::string SaveJson(const State& state) {
  JsonWriter w;
  w.BeginObject().Field("codex", kFormat);
  Put(w, "id", state.id);
  Put(w, "meta", state.has_meta);
  Put(w, "subagent", state.subagent);
  Put(w, "internal", state.internal);
  Put(w, "copies", state.copies_history);
  Put(w, "in_copy", state.in_copy);
  Put(w, "model", state.has_model);
  Put(w, "root_prompt", state.has_root_prompt);
  Put(w, "started", state.started);
  Put(w, "ended", state.ended);
  Put(w, "cwd", state.cwd);
  Put(w, "home", state.home);
  PutPrompts(w, state);
  PutTurn(w, state.turn);
  PutTokens(w, state.tokens);
  PutTexts(w, "turn_changes", state.turn_changes);
  w.Key("turn_uses").BeginArray();
  for (const ingest::SkillFact& use : state.turn_uses) PutFact(w, use);
  w.EndArray().Key("calls").BeginArray();
  for (const OpenCall& call : state.calls) PutCall(w, call);
  w.EndArray();
  if (state.mention.has_value()) {
    w.Key("mention");
    PutFact(w, state.mention->fact);
    w.Field("mention_text", Bits(state.mention->text));
  }
  Put(w, "listing", Bits(state.listing));
  Put(w, "listing_seen", state.listing_seen);
  if (!state.names.empty()) {
    w.Key("names").BeginObject();
    for (const auto& [path, name] : state.names) w.Field(path, name);
    w.EndObject();
  }
  if (state.exposure.has_value()) PutExposure(w, *state.exposure);
  return std::move(w.EndObject()).Take();
}

Status LoadJson(std::string_view json, State& state) {
  ST_ASSIGN_OR_RETURN(const JsonValue root, JsonValue::Parse(json));
  if (root["codex"].AsInt() != kFormat) {
    return Fail(kInvalidRequest, "reading the state of a rollout: not of this reader");
  }
  state = State();
  state.id = GetText(root, "id");
  state.has_meta = root["meta"].AsBool();
  state.subagent = root["subagent"].AsBool();
  state.internal = root["internal"].AsBool();
  state.copies_history = root["copies"].AsBool();
  state.in_copy = root["in_copy"].AsBool();
  state.has_model = root["model"].AsBool();
  state.has_root_prompt = root["root_prompt"].AsBool();
  state.started = GetTime(root, "started");
  state.ended = GetTime(root, "ended");
  state.cwd = GetText(root, "cwd");
  state.home = GetText(root, "home");
  GetPrompts(root, state);
  GetWork(root, state);
  return absl::OkStatus();
}

}  // namespace selftune::hosts::codex
