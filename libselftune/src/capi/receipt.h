// What a reply says about a file that was written (cli.md 10.3).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_writer.h"

namespace selftune::capi {

struct Receipt {
  std::string operation;             // "skill.replace_description"
  std::vector<std::string> targets;  // absolute paths
  std::optional<std::string> sha256_before;
  std::optional<std::string> sha256_after;
  std::optional<std::string> backup_path;
  std::vector<std::string> undo;  // argv; empty = nothing to undo
};

// {"operation","targets","before":{"hash"},"after":{"hash"},"backup_path",
// "undo":{"command","argv"}|null}
void WriteReceipt(base::JsonWriter& out, const Receipt& receipt);

}  // namespace selftune::capi
