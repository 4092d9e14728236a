// selftune_hook_handle. Also in libselftune_hook.a: no Status here, whose
// library would cost more than the hook.
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "base/error_codes.h"
#include "base/error_next.h"
#include "base/json_writer.h"
#include "capi/handles.h"
#include "hooks/background_run.h"
#include "hooks/dispatch.h"
#include "hooks/world.h"
#include "selftune/hook.h"

namespace selftune::capi {
namespace {

using Kind = hooks::Outcome::Kind;

// Variables of the process, replaced by entries of the options.
std::string_view Variable(const void* user, const char* name) {
  const auto* const entries = static_cast<const char* const*>(user);
  const size_t size = std::strlen(name);
  for (const char* const* entry = entries; entry != nullptr && *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, name, size) == 0 && (*entry)[size] == '=') return *entry + size + 1;
  }
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

UtcMillis Now(const selftune_hook_options_t& options) {
  if (options.now_ms != nullptr) return UtcMillis{options.now_ms(options.user)};
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return UtcMillis{int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000};
}

bool Usable(const selftune_hook_options_t& options) {
  return FitOf(&options, offsetof(selftune_hook_options_t, env), sizeof options) ==
             StructFit::kGood &&
         options.flags == 0;
}

// The caller's options as far as its version of the struct goes.
selftune_hook_options_t Known(const selftune_hook_options_t* options) {
  selftune_hook_options_t known = SELFTUNE_HOOK_OPTIONS_INIT;
  if (options == nullptr) return known;
  std::memcpy(&known, options, std::min<size_t>(options->struct_size, sizeof known));
  known.struct_size = sizeof known;
  return known;
}

selftune_code_t Failed(const ErrorCode& code, const std::string& message,
                       selftune_error_t** error) {
  const auto kind = static_cast<selftune_code_t>(code.kind);
  if (error == nullptr) return kind;
  const ErrorNext next = FindErrorNext(code.name);  // of plain words, none is empty
  base::JsonWriter json;
  json.BeginObject()
      .Field("code", code.name)
      .Field("message", message)
      .Field("suggestion", next.text)
      .Field("retryable", code.retryable)
      .Field("exit_code", code.exit_code)
      .NullField("details")
      .Key("next")
      .BeginObject()
      .Field("command", next.command)
      .Key("argv")
      .BeginArray();
  for (size_t begin = 0; begin < next.command.size();) {
    const size_t end = std::min(next.command.find(' ', begin), next.command.size());
    json.String(next.command.substr(begin, end - begin));
    begin = end + 1;
  }
  json.EndArray().EndObject().EndObject();
  *error = NewError(kind, code.name, message, std::move(json).Take());
  return kind;
}

selftune_code_t Result(const hooks::Outcome& outcome, std::string_view host, std::string_view hook,
                       selftune_error_t** error) {
  switch (outcome.kind) {
    case Kind::kRecorded:
    case Kind::kIgnored:
      return SELFTUNE_OK;
    case Kind::kRejected:
      return Failed(kInvalidRequest, "reading the payload of a hook: it cannot be used", error);
    case Kind::kUnknownHost:
      return Failed(kNotFound, "handling a hook: no host " + std::string(host), error);
    case Kind::kUnknownHook:
      return Failed(kNotFound, "handling a hook: no hook " + std::string(hook), error);
    case Kind::kLost:
      break;
  }
  if (outcome.error == ENOENT) {
    return Failed(kWriteFailed, "keeping an event of a hook: there is no home folder", error);
  }
  return Failed(outcome.error == ENOSPC || outcome.error == EDQUOT ? kDiskFull : kWriteFailed,
                std::string("keeping an event of a hook: ") + std::strerror(outcome.error), error);
}

selftune_code_t Handle(const selftune_hook_options_t* given, selftune_str_t host,
                       selftune_str_t hook, selftune_str_t payload, selftune_buf_t* reply,
                       int32_t* exit_code, selftune_error_t** error) {
  const selftune_hook_options_t options = Known(given);
  hooks::World world =
      hooks::LookAround(Variable, static_cast<const void*>(options.env), Now(options));
  world.start = [](const hooks::BackgroundRun& run, const void* user) {
    hooks::StartInBackground(run, static_cast<const char* const*>(user));
  };
  world.start_user = static_cast<const void*>(options.env);
  const hooks::Outcome outcome = hooks::Dispatch(world, View(host), View(hook), View(payload));
  if (!outcome.reply.empty() && !FillBuffer(outcome.reply, reply)) throw std::bad_alloc();
  *exit_code = outcome.exit_code;
  return Result(outcome, View(host), View(hook), error);
}

}  // namespace
}  // namespace selftune::capi

extern "C" selftune_code_t selftune_hook_handle(const selftune_hook_options_t* options,
                                                selftune_str_t host, selftune_str_t hook,
                                                selftune_str_t payload, selftune_buf_t* reply,
                                                int32_t* exit_code, selftune_error_t** error) {
  using namespace selftune;
  if (error != nullptr) *error = nullptr;
  if (reply != nullptr) *reply = SELFTUNE_BUF_INIT;
  if (exit_code != nullptr) *exit_code = 0;
  try {
    if (reply == nullptr || exit_code == nullptr) {
      return capi::Failed(kInvalidRequest, "reply and exit_code must not be NULL", error);
    }
    if (options != nullptr && !capi::Usable(*options)) {
      return capi::Failed(
          kInvalidRequest,
          "handling a hook: options of another version; start from SELFTUNE_HOOK_OPTIONS_INIT",
          error);
    }
    return capi::Handle(options, host, hook, payload, reply, exit_code, error);
  } catch (const std::bad_alloc&) {
    return capi::ReportNoMemory(error);
  } catch (const std::exception&) {
    return SELFTUNE_E_INTERNAL;
  }
}
