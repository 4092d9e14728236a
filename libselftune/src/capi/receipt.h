// What a reply says about a file that was written (cli.md 10.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>
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

// A file whose bytes a run changed.
struct ChangedFile {
  std::string path, sha256_before, sha256_after;
};
// Of a run that may change several skills; nothing when it changed none. Only a single
// file has its hashes told; `undo` stands when it takes back all of it.
[[nodiscard]] std::optional<Receipt> ReceiptOfFiles(std::string_view operation,
                                                    const std::vector<ChangedFile>& files,
                                                    std::vector<std::string> undo);

// "receipt", null where there is none.
void WriteReceiptField(base::JsonWriter& out, const std::optional<Receipt>& receipt);

// {"operation","targets","before":{"hash"},"after":{"hash"},"backup_path",
// "undo":{"command","argv"}|null}
void WriteReceipt(base::JsonWriter& out, const Receipt& receipt);

}  // namespace selftune::capi
