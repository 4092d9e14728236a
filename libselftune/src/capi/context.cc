#include "capi/context.h"

#include <utility>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/status_macros.h"
#include "capi/config_edit.h"
#include "capi/engine.h"
#include "status/settings.h"
#include "store/db.h"

namespace selftune::capi {

Context::Context(Engine& engine, Request request, const base::Cancel& cancel)
    : engine_(engine), request_(std::move(request)), cancel_(cancel), llm_(engine.llm_handler()) {}

Context::~Context() {
  engine_.ReturnDb(Engine::Access::kRead, std::move(read_));
  engine_.ReturnDb(Engine::Access::kWrite, std::move(write_));
}

const base::Environment& Context::env() const { return engine_.options().env; }
bool Context::no_network() const { return engine_.options().no_network; }
const Clock& Context::clock() const { return engine_.clock(); }
const Paths& Context::paths() const { return engine_.paths(); }
bool Context::HasStore() const { return base::Exists(paths().db); }

StatusOr<const config::Config*> Context::config() {
  if (!config_.has_value()) {
    ST_ASSIGN_OR_RETURN(config_, LoadConfig(paths().state_dir));
  }
  return &*config_;
}

StatusOr<const base::Environment*> Context::hosts_env() {
  ST_ASSIGN_OR_RETURN(const config::Config* const config, this->config());
  if (config->host_homes.empty()) return &env();
  if (!hosts_env_.has_value()) hosts_env_ = status::WithHostHomes(env(), *config);
  return &*hosts_env_;
}

StatusOr<store::Db*> Context::ReadDb() {
  if (read_ == nullptr) {
    ST_ASSIGN_OR_RETURN(read_, engine_.TakeDb(Engine::Access::kRead, &cancel_));
    if (!dry_run()) Hear(*read_);
  }
  return read_.get();
}

StatusOr<store::Db*> Context::AnyDb() {
  if (write_ != nullptr) return write_.get();
  return ReadDb();
}

StatusOr<store::Db*> Context::DbIfThere() {
  if (!HasStore()) return nullptr;
  StatusOr<store::Db*> db = AnyDb();
  if (!db.ok() && CodeOf(db.status()).name == kStoreMissing.name) return nullptr;
  return db;
}

bool Context::Hear(store::Db& reader) {
  const StatusOr<bool> taken = engine_.TakeInHooks(reader);
  heard_ = heard_ || !taken.ok() || *taken;  // a part, perhaps
  return taken.ok();
}

StatusOr<bool> Context::TakeInHooks() {
  ST_ASSIGN_OR_RETURN(store::Db* const db, AnyDb());
  return Hear(*db);
}

StatusOr<store::Db*> Context::WriteDb() {
  ST_RETURN_IF_ERROR(CheckWritable());
  if (dry_run()) return Fail(kInternal, "{}: a dry run asked to write the store", op());
  if (write_ == nullptr) {
    ST_ASSIGN_OR_RETURN(write_, engine_.TakeDb(Engine::Access::kWrite, &cancel_));
  }
  return write_.get();
}

Status Context::CheckWritable() const {
  if (!engine_.options().read_only) return absl::OkStatus();
  return Fail(kStoreReadOnly, "{}: this engine is read-only", op());
}

void Context::CloseConnections() {
  read_.reset();
  write_.reset();
  engine_.CloseIdle();
}

void Context::Warn(std::string_view code, std::string message, std::vector<std::string> next) {
  warnings_.push_back({std::string(code), std::move(message), std::move(next)});
}

void Context::Progress(std::string_view stage, int64_t done, int64_t total,
                       std::string_view message) {
  if (!request_.on_event) return;
  base::JsonWriter event;
  event.BeginObject()
      .Field("event", "progress")
      .Field("stage", stage)
      .Field("done", done)
      .Field("total", total)
      .Field("message", message)
      .EndObject();
  request_.on_event(event.view());
}

}  // namespace selftune::capi
