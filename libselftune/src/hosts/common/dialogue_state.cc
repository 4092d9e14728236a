// The saved form of a session.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hosts/common/dialogue.h"
#include "hosts/common/state_json.h"

namespace selftune::hosts {
namespace {

using base::JsonValue;
using base::JsonWriter;

void SaveTexts(JsonWriter& w, std::string_view key, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  w.Key(key).BeginArray();
  for (const std::string& text : texts) w.String(text);
  w.EndArray();
}

std::vector<std::string> LoadTexts(const JsonValue& value) {
  std::vector<std::string> texts;
  for (const JsonValue& item : value.items()) texts.push_back(item.AsString());
  return texts;
}

void SaveWho(JsonWriter& w, const DialogueIdentity& who) {
  w.BeginObject().Field("id", who.id);
  SaveInt(w, "kind", static_cast<int64_t>(who.kind));
  SaveText(w, "parent", who.links.parent_id);
  SaveText(w, "root", who.links.root_id);
  SaveText(w, "spawn", who.links.spawn_call_id);
  SaveText(w, "prompt", who.links.prompt_native_id);
  SaveText(w, "forked_from", who.links.forked_from);
  SaveText(w, "cli", who.agent_cli);
  SaveText(w, "agent_type", who.agent_type);
  SaveText(w, "version", who.host_version);
  SaveText(w, "provider", who.provider);
  SaveText(w, "model", who.model);
  SaveText(w, "cwd", who.cwd);
  SaveText(w, "branch", who.branch);
  SaveText(w, "commit", who.commit_sha);
  SaveText(w, "remote", who.repo_remote);
  SaveInt(w, "depth", who.depth);
  w.EndObject();
}

DialogueIdentity LoadWho(const JsonValue& value) {
  DialogueIdentity who;
  who.id = value["id"].AsString();
  who.kind = static_cast<SessionKind>(value["kind"].AsInt());
  who.links.parent_id = value["parent"].AsString();
  who.links.root_id = value["root"].AsString();
  who.links.spawn_call_id = value["spawn"].AsString();
  who.links.prompt_native_id = value["prompt"].AsString();
  who.links.forked_from = value["forked_from"].AsString();
  who.agent_cli = value["cli"].AsString();
  who.agent_type = value["agent_type"].AsString();
  who.host_version = value["version"].AsString();
  who.provider = value["provider"].AsString();
  who.model = value["model"].AsString();
  who.cwd = value["cwd"].AsString();
  who.branch = value["branch"].AsString();
  who.commit_sha = value["commit"].AsString();
  who.repo_remote = value["remote"].AsString();
  who.depth = static_cast<int32_t>(value["depth"].AsInt());
  return who;
}

// A typed command, whose kind is told by what follows.
void SaveCommand(JsonWriter& w, const ingest::PromptFact& prompt) {
  w.BeginObject().Field("seq", static_cast<int64_t>(prompt.seq)).Field("text", prompt.text);
  SaveText(w, "raw", prompt.raw_text);
  SaveText(w, "id", prompt.native_id);
  SaveText(w, "name", prompt.command_name);
  SaveText(w, "args", prompt.command_args);
  SaveTime(w, "at", prompt.at);
  SaveOrigin(w, "origin", prompt.origin);
  w.EndObject();
}

ingest::PromptFact LoadCommand(const JsonValue& value) {
  ingest::PromptFact prompt;
  prompt.seq = static_cast<int32_t>(value["seq"].AsInt());
  prompt.text = value["text"].AsString();
  prompt.raw_text = value["raw"].AsString();
  prompt.native_id = value["id"].AsString();
  prompt.command_name = value["name"].AsString();
  prompt.command_args = value["args"].AsString();
  prompt.at = LoadTime(value["at"]);
  prompt.origin = LoadOrigin(value["origin"]);
  return prompt;
}

void SaveIntent(JsonWriter& w, const ToolIntent& intent) {
  if (!intent.skills.empty()) {
    w.Key("skills").BeginArray();
    for (const ingest::SkillFact& skill : intent.skills) SaveSkill(w, skill);
    w.EndArray();
    w.Key("parts").BeginArray();
    for (const int32_t part : intent.parts) w.Int(part);
    w.EndArray();
  }
  SaveTexts(w, "changed", intent.changed);
  SaveFlag(w, "single", intent.single_command);
}

ToolIntent LoadIntent(const JsonValue& value) {
  ToolIntent intent;
  for (const JsonValue& skill : value["skills"].items()) intent.skills.push_back(LoadSkill(skill));
  for (const JsonValue& part : value["parts"].items()) {
    intent.parts.push_back(static_cast<int32_t>(part.AsInt()));
  }
  intent.parts.resize(intent.skills.size());
  intent.changed = LoadTexts(value["changed"]);
  intent.single_command = value["single"].AsBool();
  return intent;
}

}  // namespace

void Dialogue::Save(JsonWriter& w) const {
  w.BeginObject();
  SaveWho(w.Key("who"), who_);
  SaveFlag(w, "begun", begun_);
  SaveFlag(w, "internal", internal_);
  SaveFlag(w, "no_cache_read", !known_.cache_read);
  SaveFlag(w, "no_cache_write", !known_.cache_write);
  SaveFlag(w, "no_reasoning", !known_.reasoning);
  SaveFlag(w, "overhead", known_.overhead);
  SaveTime(w, "started", started_);
  SaveTime(w, "ended", ended_);
  SaveInt(w, "seq", next_seq_);
  if (prompt_.has_value()) w.Field("prompt", static_cast<int64_t>(*prompt_));
  SaveInt(w, "turn", turn_);
  SaveInt(w, "loads", loads_);
  SaveInt(w, "state", static_cast<int64_t>(state_));
  SaveFlag(w, "active", model_active_);
  SaveFlag(w, "interrupted", interrupted_);
  if (failed_.has_value()) {
    SaveOrigin(w, "failed", failed_->origin);
    SaveTime(w, "failed_at", failed_->at);
  }
  skills_.Save(w.Key("skills"));
  last_skills_.Save(w.Key("last_skills"));
  if (command_.has_value()) SaveCommand(w.Key("command"), *command_);
  if (!bare_uses_.empty()) {
    w.Key("bare_uses").BeginArray();
    for (const ingest::SkillFact& use : bare_uses_) SaveSkill(w, use);
    w.EndArray();
  }
  SaveKeys(w, "recent_calls", recent_calls_);
  if (!calls_.empty()) {
    w.Key("calls").BeginArray();
    for (const OpenCall& call : calls_) {
      w.BeginObject().Field("id", call.id).Field("tool", call.tool);
      SaveInt(w, "turn", call.turn);
      if (call.prompt.has_value()) w.Field("seq", static_cast<int64_t>(*call.prompt));
      SaveIntent(w, call.intent);
      w.EndObject();
    }
    w.EndArray();
  }
  if (!waiting_.empty()) {
    w.Key("waiting").BeginArray();
    for (const ingest::ExposureFact& fact : waiting_) SaveExposure(w, fact);
    w.EndArray();
  }
  SaveFlag(w, "shown", shown_);
  SaveTexts(w, "listed", listed_);
  if (!names_.empty()) {
    w.Key("names").BeginArray();
    for (const auto& [path, name] : names_) w.String(path).String(name);
    w.EndArray();
  }
  w.EndObject();
}

void Dialogue::LoadCalls(const JsonValue& calls) {
  for (const JsonValue& item : calls.items()) {
    OpenCall& call = calls_.emplace_back();
    call.id = item["id"].AsString();
    call.tool = item["tool"].AsString();
    call.turn = item["turn"].AsInt();
    call.prompt = LoadSeq(item["seq"]);
    call.intent = LoadIntent(item);
  }
}

Dialogue Dialogue::Load(const JsonValue& value) {
  Dialogue dialogue(LoadWho(value["who"]));
  dialogue.told_ = dialogue.who_;
  dialogue.begun_ = value["begun"].AsBool();
  dialogue.internal_ = value["internal"].AsBool();
  dialogue.known_ = {.cache_read = !value["no_cache_read"].AsBool(),
                     .cache_write = !value["no_cache_write"].AsBool(),
                     .reasoning = !value["no_reasoning"].AsBool(),
                     .overhead = value["overhead"].AsBool()};
  dialogue.started_ = LoadTime(value["started"]);
  dialogue.ended_ = LoadTime(value["ended"]);
  dialogue.next_seq_ = static_cast<int32_t>(value["seq"].AsInt());
  dialogue.prompt_ = LoadSeq(value["prompt"]);
  dialogue.turn_ = value["turn"].AsInt();
  dialogue.loads_ = value["loads"].AsInt();
  dialogue.state_ = static_cast<TurnState>(value["state"].AsInt());
  dialogue.model_active_ = value["active"].AsBool();
  dialogue.interrupted_ = value["interrupted"].AsBool();
  if (value["failed"].is_array()) {
    dialogue.failed_ =
        Moment{.origin = LoadOrigin(value["failed"]), .at = LoadTime(value["failed_at"])};
  }
  dialogue.skills_ = TurnSkills::Load(value["skills"]);
  dialogue.last_skills_ = TurnSkills::Load(value["last_skills"]);
  if (value["command"].is_object()) dialogue.command_ = LoadCommand(value["command"]);
  for (const JsonValue& use : value["bare_uses"].items()) {
    dialogue.bare_uses_.push_back(LoadSkill(use));
  }
  dialogue.recent_calls_ = LoadKeys(value["recent_calls"]);
  dialogue.LoadCalls(value["calls"]);
  for (const JsonValue& fact : value["waiting"].items()) {
    dialogue.waiting_.push_back(LoadExposure(fact));
  }
  dialogue.shown_ = value["shown"].AsBool();
  dialogue.listed_ = LoadTexts(value["listed"]);
  const std::vector<std::string> names = LoadTexts(value["names"]);
  for (size_t i = 0; i + 1 < names.size(); i += 2) {
    dialogue.names_.emplace_back(names[i], names[i + 1]);
  }
  return dialogue;
}

}  // namespace selftune::hosts
