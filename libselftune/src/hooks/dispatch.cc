#include "hooks/dispatch.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_writer.h"
#include "base/utf8.h"
#include "hooks/event.h"
#include "hooks/handlers.h"
#include "hooks/host.h"
#include "hooks/hosts.h"
#include "hooks/notes.h"
#include "hooks/pending.h"
#include "store/spool_file.h"

namespace selftune::hooks {
namespace {

using Kind = Outcome::Kind;
using Verdict = Parsed::Verdict;

constexpr size_t kExcerptBytes = 160;
constexpr size_t kMaxIdBytes = 512;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// 32 hexadecimal digits, "" when the system has no randomness to give.
std::string RandomId() {
  unsigned char bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) return "";
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string id;
  id.reserve(2 * sizeof bytes);
  for (const unsigned char byte : bytes) {
    id.push_back(kDigits[byte >> 4]);
    id.push_back(kDigits[byte & 15]);
  }
  return id;
}

int Keep(const World& world, const HookEvent& event) {
  if (world.state_dir.empty()) return ENOENT;
  const std::string id = RandomId();
  if (id.empty()) return EAGAIN;
  return store::AppendToSpool(world.state_dir, world.now, id,
                              store::SpoolLine(id, "hook", world.now, ToJson(event)));
}

Outcome Record(const World& world, const HookEvent& event, Kind kind) {
  Outcome outcome;
  outcome.error = Keep(world, event);
  outcome.kind = outcome.error == 0 ? kind : Kind::kLost;
  return outcome;
}

Outcome Reject(const World& world, HookEvent event, std::string_view handler, std::string_view why,
               std::string_view payload) {
  event.type = EventType::kRejected;
  event.prompt.clear();
  event.args.reset();
  event.command.clear();
  event.output.clear();
  event.commits.clear();
  // What is kept of it says what came, however long that was.
  for (std::string* text :
       {&event.session_id, &event.agent_id, &event.agent_type, &event.agent_session,
        &event.prompt_id, &event.cwd, &event.transcript_path, &event.tool_name, &event.tool_call_id,
        &event.skill, &event.path}) {
    if (text->size() > kMaxIdBytes) text->resize(kMaxIdBytes);
  }
  event.handler = handler;
  event.reason = why;
  event.excerpt = payload.substr(0, kExcerptBytes);
  return Record(world, event, Kind::kRejected);
}

// The session is the least an event must say: without it nothing can be tied
// to anything.
std::string_view IdProblem(const HookEvent& event) {
  if (event.session_id.empty()) return "no_session_id";
  for (const std::string* id :
       {&event.session_id, &event.agent_id, &event.agent_session, &event.prompt_id,
        &event.tool_call_id, &event.tool_name, &event.skill}) {
    if (id->size() > kMaxIdBytes) return "id_too_long";
    for (const char c : *id) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "control_in_id";
    }
  }
  if (event.tool == ToolKind::kSkill && base::IsBlank(event.skill)) return "no_skill";
  return "";
}

Parsed ParseNormalised(std::string_view payload) {
  std::optional<HookEvent> event = FromJson(payload);
  if (!event.has_value() || event->type == EventType::kRejected) {
    return {.verdict = Verdict::kReject, .event = {}, .why = "no_event"};
  }
  return {.verdict = Verdict::kUse, .event = *std::move(event)};
}

// What a plugin that hands in events in our own form reads: what to tell the model,
// and whether the tool may not run. "" = nothing.
std::string RenderPlain(const Response& response) {
  if (response.context.empty()) return "";
  base::JsonWriter out;
  out.BeginObject()
      .Field("decision", response.deny ? "block" : "allow")
      .Field("message", response.context)
      .EndObject();
  return std::move(out).Take();
}

std::string PlatformOf(std::string_view host) {
  std::string platform(host);
  std::ranges::replace(platform, '-', '_');
  return platform;
}

// Where runs may begin by themselves.
bool IsEnd(const Host* host, EventType type) {
  return type == EventType::kSessionEnd ||
         (type == EventType::kTurnEnd && host != nullptr && host->ends_with_turn);
}

Outcome Take(const World& world, Parsed parsed, std::string_view hook, std::string_view payload) {
  HookEvent& event = parsed.event;
  if (parsed.verdict == Verdict::kIgnore) return {};
  if (parsed.verdict == Verdict::kReject) {
    return Reject(world, std::move(event), hook, parsed.why, payload);
  }
  const Handler* const asked = hook == kNormalisedHook ? nullptr : FindHandler(hook);
  const Handler* const handler =
      asked != nullptr && asked->type == event.type ? asked : FindHandler(event);
  if (handler == nullptr || !handler->keep(world, event)) return {};
  const std::string_view problem = IdProblem(event);
  if (!problem.empty()) return Reject(world, std::move(event), hook, problem, payload);
  return Record(world, event, Kind::kRecorded);
}

}  // namespace

Outcome Dispatch(const World& world, std::string_view host, std::string_view hook,
                 std::string_view payload) {
  if (world.internal) return {};
  if (payload.starts_with(kByteOrderMark)) payload.remove_prefix(kByteOrderMark.size());
  const bool normalised = hook == kNormalisedHook;
  const Host* const row = FindHost(host);
  std::string platform = row != nullptr ? std::string(row->platform) : PlatformOf(host);
  const bool speaks =
      normalised ? row != nullptr || IsPlatform(platform) : row != nullptr && row->parse != nullptr;
  if (!speaks) {
    return {.kind = Kind::kUnknownHost};
  }
  if (!normalised && !hook.empty() && FindHandler(hook) == nullptr) {
    return {.kind = Kind::kUnknownHook};
  }
  Parsed parsed;
  if (payload.size() > kMaxPayload) {
    parsed = {.verdict = Verdict::kReject, .event = {}, .why = "too_large"};
  } else {
    parsed = normalised ? ParseNormalised(payload) : row->parse(payload, hook);
  }
  parsed.event.platform = std::move(platform);
  const EventType type = parsed.event.type;
  // Prompts of a plugin are not answered: nobody reads that.
  const bool answers =
      parsed.verdict == Verdict::kUse && (!normalised || type == EventType::kPreToolUse);
  Heard heard;
  if (parsed.verdict == Verdict::kUse) heard = Listen(world, parsed.event);
  Response response;
  if (answers) response = Answer(world, parsed.event, heard.missed);
  const bool ends = IsEnd(row, type);
  const HookEvent event = ends ? parsed.event : HookEvent{};
  Outcome outcome = Take(world, std::move(parsed), hook, payload);
  if (heard.pending && outcome.kind == Kind::kRecorded) RememberPending(world);
  if (ends && outcome.kind == Kind::kRecorded) React(world, row, event);
  outcome.reply = normalised ? RenderPlain(response) : row->render(response, type);
  return outcome;
}

}  // namespace selftune::hooks
