#include "capi/config_edit.h"

#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/lock_file.h"
#include "base/status_macros.h"

namespace selftune::capi {
namespace {

constexpr std::chrono::seconds kLockWait{5};
constexpr std::chrono::milliseconds kLockPause{5};

StatusOr<std::optional<std::string>> HashOf(const std::string& path) {
  const StatusOr<std::string> bytes = base::ReadFile(path, 1 << 20);
  if (bytes.ok()) return std::optional(base::Sha256Hex(*bytes));
  if (CodeOf(bytes.status()).name == kFileNotFound.name) return std::optional<std::string>();
  return bytes.status();
}

// One writer at a time, so that none undoes what another just wrote. Each holds
// it for a moment, so waiting is worth it.
StatusOr<base::LockFile> LockConfig(const Context& context) {
  const std::string dir = base::JoinPath(context.paths().state_dir, "locks");
  ST_RETURN_IF_ERROR(base::MakeDirs(dir, 0700));
  base::JsonWriter holder;
  holder.BeginObject()
      .Field("what", context.op())
      .Field("pid", static_cast<int64_t>(::getpid()))
      .Field("started_at", context.now())
      .EndObject();
  const std::string path = base::JoinPath(dir, "config.lock");
  const auto until = std::chrono::steady_clock::now() + kLockWait;
  for (;;) {
    auto lock = base::LockFile::TryAcquire(path, holder.view());
    const bool held = !lock.ok() && CodeOf(lock.status()).name == kLockHeld.name;
    if (!held || std::chrono::steady_clock::now() >= until) return lock;
    ST_RETURN_IF_ERROR(context.cancel().Check());
    std::this_thread::sleep_for(kLockPause);
  }
}

}  // namespace

StatusOr<ConfigEdit> EditConfig(Context& context, const ConfigChange& change,
                                const ConfigCheck& check) {
  ST_RETURN_IF_ERROR(context.CheckWritable());
  std::optional<base::LockFile> lock;
  if (!context.dry_run()) {
    ST_ASSIGN_OR_RETURN(lock, LockConfig(context));
  }
  const std::string& state_dir = context.paths().state_dir;
  ConfigEdit edit;
  ST_ASSIGN_OR_RETURN(edit.before, config::Load(state_dir));
  ST_ASSIGN_OR_RETURN(const base::JsonValue document, change(edit.before));
  const std::string text = config::TextOf(document);
  ST_ASSIGN_OR_RETURN(edit.after, config::Parse(text, edit.before.path));
  if (check != nullptr) ST_RETURN_IF_ERROR(check(edit.after));

  edit.receipt.operation = context.op();
  edit.receipt.targets = {edit.before.path};
  ST_ASSIGN_OR_RETURN(edit.receipt.sha256_before, HashOf(edit.before.path));
  const bool changed = document.ToJson() != edit.before.document.ToJson();
  if (!changed || context.dry_run()) return edit;
  ST_RETURN_IF_ERROR(config::Save(state_dir, document));
  context.SetChanged();
  edit.written = true;
  edit.receipt.sha256_after = base::Sha256Hex(text);
  return edit;
}

void WriteEditReceipt(base::JsonWriter& out, const ConfigEdit& edit) {
  out.Key("receipt");
  if (edit.written) {
    WriteReceipt(out, edit.receipt);
  } else {
    out.Null();
  }
}

}  // namespace selftune::capi
