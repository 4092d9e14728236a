// Rows of the tables that tools/gen_ops.py writes.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "capi/ops.h"

namespace selftune::capi {

enum class ParamType { kString, kPath, kPlatform, kTime, kInt, kNumber, kBool, kObject, kAny };

struct ParamSpec {
  std::string_view name;
  ParamType type = ParamType::kString;
  bool required = false;
  bool list = false;
  std::span<const std::string_view> choices = {};  // empty = any value
  std::string_view default_json = {};              // empty = null
  int64_t minimum = INT64_MIN;                     // of kInt
  int64_t maximum = INT64_MAX;
};

struct OpSpec {
  std::string_view name;
  std::string_view schema;  // of the reply, "selftune/status@1"
  std::string_view flags;   // letters of operations.md 1
  OpFn run = nullptr;
  std::span<const ParamSpec> params = {};

  [[nodiscard]] bool Has(char flag) const { return flags.find(flag) != flags.npos; }
};

struct SchemaRow {
  std::string_view id;    // "selftune/status@1"
  std::string_view kind;  // envelope, params, reply
  std::string_view op;    // "" for the envelope
  std::string_view json;
};

// Both sorted by name or id.
[[nodiscard]] std::span<const OpSpec> AllOps();
[[nodiscard]] std::span<const SchemaRow> AllSchemas();

}  // namespace selftune::capi
