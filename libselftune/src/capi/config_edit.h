// One change of config.json: under its lock, atomic, with the start of a
// receipt. Everything of the file that the change does not touch is kept.
#pragma once

#include <functional>

#include "base/json_value.h"
#include "capi/context.h"
#include "capi/receipt.h"
#include "config/config.h"

namespace selftune::capi {

struct ConfigEdit {
  config::Config before;
  config::Config after;  // in a dry run: what would hold
  // False: there was nothing to change, or this is a dry run.
  bool written = false;
  Receipt receipt;  // the caller adds how to undo it
};

// config.json of that folder. INVALID_CONFIG says the line and column of what is no JSON.
[[nodiscard]] StatusOr<config::Config> LoadConfig(const std::string& state_dir);

// The new document; called with the file as it is, under the lock.
using ConfigChange = std::function<StatusOr<base::JsonValue>(const config::Config& before)>;
// Why the result must not be written.
using ConfigCheck = std::function<Status(const config::Config& after)>;
// Called under the lock right before a file is written that says something else.
using ConfigNotice = std::function<Status(const ConfigEdit& edit)>;

// STORE_READ_ONLY for a reading engine, LOCK_HELD when another writer does not
// end, INVALID_CONFIG when the file cannot be read: then it is left alone.
[[nodiscard]] StatusOr<ConfigEdit> EditConfig(Context& context, const ConfigChange& change,
                                              const ConfigCheck& check = nullptr,
                                              const ConfigNotice& notice = nullptr);

// The receipt, or null when nothing was written.
void WriteEditReceipt(base::JsonWriter& out, const ConfigEdit& edit);

}  // namespace selftune::capi
