#include "capi/config_edit.h"

#include <optional>
#include <string>
#include <utility>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/lock_file.h"
#include "base/status_macros.h"
#include "capi/state_lock.h"
#include "install/json_text.h"

namespace selftune::capi {
namespace {

constexpr uint64_t kMaxBytes = 1 << 20;

StatusOr<std::optional<std::string>> HashOf(const std::string& path) {
  const StatusOr<std::string> bytes = base::ReadFile(path, kMaxBytes);
  if (bytes.ok()) return std::optional(base::Sha256Hex(*bytes));
  if (CodeOf(bytes.status()).name == kFileNotFound.name) return std::optional<std::string>();
  return bytes.status();
}

}  // namespace

StatusOr<config::Config> LoadConfig(const std::string& state_dir) {
  StatusOr<config::Config> config = config::Load(state_dir);
  if (config.ok() || CodeOf(config.status()).name != kInvalidConfig.name) return config;
  const std::string path = config::PathIn(state_dir);
  const StatusOr<std::string> text = base::ReadFile(path, kMaxBytes);
  if (!text.ok()) return config;
  const auto found = install::ParseJsonText(*text, install::JsonDialect::kPlain, path);
  if (found.ok()) return config;  // it is JSON, and wrong otherwise
  return WithSuggestion(Fail(kInvalidConfig, "{}", Message(found.status())),
                        Suggestion(config.status()), NextCommand(config.status()));
}

StatusOr<ConfigEdit> EditConfig(Context& context, const ConfigChange& change,
                                const ConfigCheck& check, const ConfigNotice& notice) {
  ST_RETURN_IF_ERROR(context.CheckWritable());
  std::optional<base::LockFile> lock;
  if (!context.dry_run()) {
    ST_ASSIGN_OR_RETURN(lock, TakeStateLock(context, "config"));
  }
  const std::string& state_dir = context.paths().state_dir;
  ConfigEdit edit;
  ST_ASSIGN_OR_RETURN(edit.before, LoadConfig(state_dir));
  ST_ASSIGN_OR_RETURN(const base::JsonValue document, change(edit.before));
  const std::string text = config::TextOf(document);
  ST_ASSIGN_OR_RETURN(edit.after, config::Parse(text, edit.before.path));
  if (check != nullptr) ST_RETURN_IF_ERROR(check(edit.after));

  edit.receipt.operation = context.op();
  edit.receipt.targets = {edit.before.path};
  ST_ASSIGN_OR_RETURN(edit.receipt.sha256_before, HashOf(edit.before.path));
  const bool changed = document.ToJson() != edit.before.document.ToJson();
  if (!changed || context.dry_run()) return edit;
  edit.receipt.sha256_after = base::Sha256Hex(text);
  if (notice != nullptr) ST_RETURN_IF_ERROR(notice(edit));
  ST_RETURN_IF_ERROR(config::Save(state_dir, document));
  context.SetChanged();
  edit.written = true;
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
