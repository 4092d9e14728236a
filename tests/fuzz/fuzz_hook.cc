// Any payload for any handler ends quietly; an event survives the spool.
#include <optional>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "hooks/dispatch.h"
#include "hooks/event.h"
#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  using Kind = hooks::Outcome::Kind;
  static constexpr std::string_view kHooks[] = {
      "", "prompt-log", "skill-eval", "session-stop", "session-end", "event"};
  if (size == 0) return 0;
  const std::string_view hook = kHooks[data[0] % 6];
  const std::string_view payload = fuzz::AsText(data + 1, size - 1);
  // Without a folder what would be kept is lost: no file is written here.
  const hooks::World world{.state_dir = "", .internal = false, .now = UtcMillis{1}};
  const hooks::Outcome outcome = hooks::Dispatch(world, "claude-code", hook, payload);
  fuzz::Require(outcome.kind == Kind::kLost || outcome.kind == Kind::kIgnored, "kept or ignored");
  fuzz::Require(outcome.exit_code == 0 && outcome.reply.empty(), "the host goes on");

  const std::optional<hooks::HookEvent> event = hooks::FromJson(payload);
  if (!event.has_value()) return 0;
  const std::string json = hooks::ToJson(*event);
  fuzz::Require(base::IsValidUtf8(json), "the spool is text");
  const std::optional<hooks::HookEvent> again = hooks::FromJson(json);
  fuzz::Require(again.has_value() && hooks::ToJson(*again) == json, "an event is kept as it is");
  return 0;
}
