// selftune_open, _close, _request and the model handler.
#include <utility>

#include "base/status_macros.h"
#include "capi/call.h"
#include "store/sqlite_library.h"

namespace selftune::capi {
namespace {

constexpr uint32_t kKnownFlags = SELFTUNE_READ_ONLY | SELFTUNE_NO_CREATE | SELFTUNE_NO_MIGRATE |
                                 SELFTUNE_NO_NETWORK | SELFTUNE_OWN_PROCESS;

Status PutEnvironment(const char* const* entries, base::Environment& env) {
  for (; entries != nullptr && *entries != nullptr; ++entries) {
    const std::string_view entry = *entries;
    const size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
      return Fail(kInvalidRequest, "opening an engine: environment entry \"{}\" is not K=V", entry);
    }
    env.Set(std::string(entry.substr(0, equals)), std::string(entry.substr(equals + 1)));
  }
  return absl::OkStatus();
}

StatusOr<selftune_options_t> CopyOptions(const selftune_options_t* given) {
  selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  if (given == nullptr) return options;
  ST_ASSIGN_OR_RETURN(options, CopyStruct(*given, options, offsetof(selftune_options_t, home),
                                          "opening an engine"));
  if ((options.flags & ~kKnownFlags) != 0) {
    return Fail(kInvalidRequest, "opening an engine: unknown flags {:#x}",
                options.flags & ~kKnownFlags);
  }
  return options;
}

StatusOr<EngineOptions> ReadOptions(const selftune_options_t* given) {
  ST_ASSIGN_OR_RETURN(const selftune_options_t raw, CopyOptions(given));
  EngineOptions options;
  options.read_only = (raw.flags & SELFTUNE_READ_ONLY) != 0;
  options.no_create = (raw.flags & SELFTUNE_NO_CREATE) != 0;
  options.no_migrate = (raw.flags & SELFTUNE_NO_MIGRATE) != 0;
  options.no_network = (raw.flags & SELFTUNE_NO_NETWORK) != 0;
  if ((raw.flags & SELFTUNE_OWN_PROCESS) != 0) store::OwnSqlite();
  options.env = base::Environment::FromProcess();
  ST_RETURN_IF_ERROR(PutEnvironment(raw.env, options.env));
  // A home given here moves everything below it, also when the process has a
  // SELFTUNE_HOME of its own.
  if (raw.home.size != 0) {
    options.env.Set("HOME", std::string(View(raw.home)));
    options.env.Set("SELFTUNE_HOME", "");
  }
  if (raw.config_dir.size != 0) options.env.Set("SELFTUNE_HOME", std::string(View(raw.config_dir)));
  options.state_dir_named = raw.config_dir.size != 0;
  options.db_path = View(raw.db_path);
  if (raw.log != nullptr) {
    options.log = [log = raw.log, user = raw.user](LogLevel level, std::string_view line) {
      log(user, static_cast<int32_t>(level), Borrow(line));
    };
  }
  if (raw.now_ms != nullptr) {
    options.now_ms = [now = raw.now_ms, user = raw.user] { return now(user); };
  }
  return options;
}

StatusOr<std::string> AskHandler(selftune_llm_fn handler, void* user, std::string_view request) {
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  const selftune_code_t code = handler(user, Borrow(request), &reply);
  std::string text = reply.data == nullptr ? std::string() : std::string(reply.data, reply.size);
  selftune_buf_free(&reply);
  if (code == SELFTUNE_OK) return text;
  return Fail(kBackendUnavailable, "asking the model of the program: it answered code {}", code);
}

}  // namespace
}  // namespace selftune::capi

extern "C" {

selftune_code_t selftune_open(const selftune_options_t* options, selftune_engine_t** engine,
                              selftune_error_t** error) {
  using namespace selftune;
  return capi::Call(error, [&]() -> Status {
    if (engine == nullptr) return Fail(kInvalidRequest, "engine must not be NULL");
    ST_ASSIGN_OR_RETURN(capi::EngineOptions read, capi::ReadOptions(options));
    ST_ASSIGN_OR_RETURN(auto impl, capi::Engine::Open(std::move(read)));
    *engine = new selftune_engine{std::move(impl)};
    return absl::OkStatus();
  });
}

void selftune_close(selftune_engine_t* engine) {
  // In a forked child its threads do not exist: they cannot be waited for.
  if (engine != nullptr && !engine->impl->IsForked()) delete engine;
}

selftune_code_t selftune_request(selftune_engine_t* engine, selftune_str_t request,
                                 selftune_buf_t* reply, selftune_error_t** error) {
  using namespace selftune;
  return capi::Call(error, [&]() -> Status {
    if (engine == nullptr || reply == nullptr) {
      return Fail(kInvalidRequest, "engine and reply must not be NULL");
    }
    ST_RETURN_IF_ERROR(engine->impl->Check());
    ST_ASSIGN_OR_RETURN(const std::string json, engine->impl->Request(capi::View(request)));
    return capi::CopyOut(json, reply);
  });
}

void selftune_set_llm_handler(selftune_engine_t* engine, selftune_llm_fn handler, void* user) {
  using namespace selftune;
  (void)capi::Call(nullptr, [&]() -> Status {
    if (engine == nullptr || engine->impl->IsForked()) return absl::OkStatus();
    if (handler == nullptr) {
      engine->impl->SetLlmHandler({});
    } else {
      engine->impl->SetLlmHandler([handler, user](std::string_view request) {
        return capi::AskHandler(handler, user, request);
      });
    }
    return absl::OkStatus();
  });
}

}  // extern "C"
