// The saved form of a conversation.
#include <optional>
#include <string>
#include <utility>

#include "hosts/claude_code/conversation.h"
#include "hosts/common/state_json.h"

namespace selftune::hosts::claude_code {
namespace {

using base::JsonValue;
using base::JsonWriter;

void SaveLinks(JsonWriter& w, const ingest::SessionLinks& links) {
  w.Key("links").BeginObject();
  SaveText(w, "parent", links.parent_id);
  SaveText(w, "root", links.root_id);
  SaveText(w, "call", links.spawn_call_id);
  SaveText(w, "prompt", links.prompt_native_id);
  SaveText(w, "forked_from", links.forked_from);
  w.EndObject();
}

ingest::SessionLinks LoadLinks(const JsonValue& value) {
  return {.parent_id = value["parent"].AsString(),
          .root_id = value["root"].AsString(),
          .spawn_call_id = value["call"].AsString(),
          .prompt_native_id = value["prompt"].AsString(),
          .forked_from = value["forked_from"].AsString(),
          .fork_end_offset = std::nullopt};
}

void SavePrompt(JsonWriter& w, const ingest::PromptFact& prompt) {
  w.Key("prompt").BeginObject();
  SaveInt(w, "seq", prompt.seq);
  SaveText(w, "text", prompt.text);
  SaveText(w, "raw", prompt.raw_text);
  SaveText(w, "id", prompt.native_id);
  SaveText(w, "name", prompt.command_name);
  SaveText(w, "args", prompt.command_args);
  SaveInt(w, "kind", static_cast<int64_t>(prompt.kind));
  SaveTime(w, "at", prompt.at);
  SaveOrigin(w, "origin", prompt.origin);
  w.EndObject();
}

ingest::PromptFact LoadPrompt(const JsonValue& value) {
  return {.seq = static_cast<int32_t>(value["seq"].AsInt()),
          .kind = static_cast<PromptKind>(value["kind"].AsInt()),
          .text = value["text"].AsString(),
          .raw_text = value["raw"].AsString(),
          .native_id = value["id"].AsString(),
          .command_kind = CommandKind::kCustom,
          .command_name = value["name"].AsString(),
          .command_args = value["args"].AsString(),
          .active = true,
          .at = LoadTime(value["at"]),
          .origin = LoadOrigin(value["origin"])};
}

}  // namespace

void Conversation::Save(JsonWriter& w) const {
  w.BeginObject().Field("id", identity_.id);
  SaveInt(w, "kind", static_cast<int64_t>(identity_.kind));
  SaveLinks(w, identity_.links);
  SaveText(w, "agent_type", identity_.agent_type);
  SaveInt(w, "depth", identity_.depth);
  SaveFlag(w, "begun", begun_);
  SaveFlag(w, "ignored", ignored_);
  SaveFlag(w, "described", described_);
  SaveTime(w, "started", started_);
  SaveText(w, "version", host_version_);
  SaveText(w, "cwd", cwd_);
  SaveText(w, "branch", branch_);
  SaveText(w, "model", model_);
  SaveInt(w, "next_seq", next_seq_);
  if (prompt_.has_value()) w.Field("prompt", static_cast<int64_t>(*prompt_));
  SaveInt(w, "turn", turn_);
  SaveInt(w, "state", static_cast<int64_t>(state_));
  SaveFlag(w, "failed", turn_failed_);
  if (failed_at_.has_value()) w.Field("failed_at", static_cast<int64_t>(*failed_at_));
  SaveFlag(w, "interrupted", turn_interrupted_);
  SaveFlag(w, "forked_command", forked_command_);
  SaveFlag(w, "after_caveat", after_caveat_);
  if (completion_.has_value()) w.Field("completion", static_cast<int64_t>(*completion_));
  if (command_.has_value()) {
    w.Key("command").BeginObject();
    SaveInt(w, "record", static_cast<int64_t>(command_->record));
    SavePrompt(w, command_->prompt);
    w.EndObject();
  }
  if (request_.has_value()) SaveSkill(w.Key("request"), *request_);
  skills_.Save(w.Key("skills"));
  last_skills_.Save(w.Key("last_skills"));
  if (!loads_.empty()) {
    w.Key("loads").BeginArray();
    for (const ingest::SkillFact& fact : loads_) SaveSkill(w, fact);
    w.EndArray();
  }
  calls_.Save(w);
  answers_.Save(w.Key("answers"));
  shown_.Save(w.Key("shown"));
  w.EndObject();
}

Conversation Conversation::Load(const JsonValue& value) {
  Conversation c({.id = value["id"].AsString(),
                  .kind = static_cast<SessionKind>(value["kind"].AsInt()),
                  .links = LoadLinks(value["links"]),
                  .agent_type = value["agent_type"].AsString(),
                  .depth = static_cast<int32_t>(value["depth"].AsInt())});
  c.begun_ = value["begun"].AsBool();
  c.ignored_ = value["ignored"].AsBool();
  c.described_ = value["described"].AsBool();
  c.started_ = LoadTime(value["started"]);
  c.host_version_ = value["version"].AsString();
  c.cwd_ = value["cwd"].AsString();
  c.branch_ = value["branch"].AsString();
  c.model_ = value["model"].AsString();
  c.next_seq_ = static_cast<int32_t>(value["next_seq"].AsInt());
  c.prompt_ = LoadSeq(value["prompt"]);
  c.turn_ = value["turn"].AsInt();
  c.state_ = static_cast<TurnState>(value["state"].AsInt());
  c.turn_failed_ = value["failed"].AsBool();
  if (value["failed_at"].is_int()) {
    c.failed_at_ = static_cast<uint64_t>(value["failed_at"].AsInt());
  }
  c.turn_interrupted_ = value["interrupted"].AsBool();
  c.forked_command_ = value["forked_command"].AsBool();
  c.after_caveat_ = value["after_caveat"].AsBool();
  if (value["completion"].is_int()) {
    c.completion_ = static_cast<Completion>(value["completion"].AsInt());
  }
  if (const JsonValue& command = value["command"]; command.is_object()) {
    c.command_ = Command{.prompt = LoadPrompt(command["prompt"]),
                         .record = static_cast<uint64_t>(command["record"].AsInt())};
  }
  if (value["request"].is_object()) c.request_ = LoadSkill(value["request"]);
  c.skills_ = TurnSkills::Load(value["skills"]);
  c.last_skills_ = TurnSkills::Load(value["last_skills"]);
  for (const JsonValue& fact : value["loads"].items()) c.loads_.push_back(LoadSkill(fact));
  c.calls_.Load(value);
  c.answers_ = Answers::Load(value["answers"]);
  c.shown_ = ShownSkills::Load(value["shown"]);
  return c;
}

}  // namespace selftune::hosts::claude_code
