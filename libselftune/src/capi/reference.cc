#include "capi/reference.h"

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "capi/ops.h"
#include "upstream/still_runs.h"

namespace selftune::capi {

using base::JsonValue;

bool TakeOverRecords(Context& context, const JsonValue& params, Steps& steps) {
  if (!params["import"].AsBool()) {
    steps.Skipped("import", "not asked for");
    return false;
  }
  const auto done = ops::StoreImportReference(context, JsonValue::Object({}));
  if (done.ok()) {
    const auto reply = JsonValue::Parse(*done);
    const bool changed = reply.ok() && (*reply)["receipt"].is_object();
    if (context.dry_run() && reply.ok()) {
      int64_t rows = 0;
      for (const JsonValue& table : (*reply)["tables"].items()) rows += table["source"].AsInt();
      steps.Done("import", false, fmt::format("{} rows of the TypeScript selftune", rows));
    } else {
      steps.Done("import", changed,
                 changed ? "what the TypeScript selftune recorded was taken over"
                         : "nothing new of the TypeScript selftune");
    }
    return true;
  }
  if (CodeOf(done.status()).name == kNotFound.name) {
    steps.Skipped("import", "no TypeScript selftune on this machine");
    return false;
  }
  // What looks like its database is our own store, with its mark in its log as yet, or
  // one whose maker was killed before it wrote anything.
  if (CodeOf(done.status()).name == kStoreForeign.name && context.HasStore()) {
    const Status read = context.ReadDb().status();
    if (read.ok() || CodeOf(read).name == kStoreMissing.name) {
      steps.Skipped("import", "the store is selftune's own");
      return false;
    }
  }
  steps.Failed("import", done.status());
  return false;
}

void WarnOfReference(Context& context, std::string_view kind) {
  const std::string& state_dir = context.paths().state_dir;
  for (upstream::StillRuns& one : upstream::WhatStillRuns(context.env(), state_dir)) {
    if (!kind.empty() && one.kind != kind) continue;
    context.Warn("REFERENCE_STILL_RUNS", std::move(one.message), std::move(one.remedy));
  }
}

}  // namespace selftune::capi
