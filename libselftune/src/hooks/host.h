// The row of a host that has hooks: how its payloads are read and its answers
// written. Rows live in the hosts' folders; hosts/hooks.h lists them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hooks/event.h"

namespace selftune::hooks {

// An event of the host that selftune wants to hear of. The list is what an
// installer subscribes to.
struct Subscription {
  std::string_view native;   // the host's name: "UserPromptSubmit"
  std::string_view matcher;  // tools, "" = all or none
  std::string_view handler;  // ours: "prompt-log"
  int timeout_seconds = 0;   // for the host
  bool async = false;        // the host need not wait
};

struct Parsed {
  enum class Verdict { kUse, kIgnore, kReject };
  Verdict verdict = Verdict::kIgnore;
  HookEvent event;            // kUse; kReject: what was understood of it
  std::string_view why = {};  // kReject: "bad_json", a literal
};

struct Response {
  std::string context;  // told to the model, "" = nothing
  bool deny = false;    // the call of the tool is not to run; `context` says why
};

// Views point to literals.
struct Host {
  std::string_view platform;  // "claude_code"
  std::string_view command;   // "claude", another spelling of its name
  std::span<const Subscription> subscriptions;
  // `handler` "" = by what the payload calls itself. Never fails otherwise. nullptr: a
  // plugin of ours hands in events in our own form, and no others.
  Parsed (*parse)(std::string_view payload, std::string_view handler) = nullptr;
  std::string (*render)(const Response& response, EventType type) = nullptr;
  // Not every session of this host says that it ends: the end of a turn stands for it.
  bool ends_with_turn = false;
};

}  // namespace selftune::hooks
