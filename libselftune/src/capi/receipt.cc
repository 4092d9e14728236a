#include "capi/receipt.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capi/envelope.h"

namespace selftune::capi {

std::optional<Receipt> ReceiptOfFiles(std::string_view operation,
                                      const std::vector<ChangedFile>& files,
                                      std::vector<std::string> undo) {
  if (files.empty()) return std::nullopt;
  Receipt receipt{.operation = std::string(operation), .undo = std::move(undo)};
  for (const ChangedFile& file : files) receipt.targets.push_back(file.path);
  if (files.size() == 1) {
    receipt.sha256_before = files.front().sha256_before;
    receipt.sha256_after = files.front().sha256_after;
  }
  return receipt;
}

void WriteReceiptField(base::JsonWriter& out, const std::optional<Receipt>& receipt) {
  out.Key("receipt");
  if (receipt.has_value()) {
    WriteReceipt(out, *receipt);
  } else {
    out.Null();
  }
}

void WriteReceipt(base::JsonWriter& out, const Receipt& receipt) {
  out.BeginObject().Field("operation", receipt.operation).Key("targets").BeginArray();
  for (const std::string& target : receipt.targets) out.String(target);
  out.EndArray();
  out.Key("before").BeginObject().Field("hash", receipt.sha256_before).EndObject();
  out.Key("after").BeginObject().Field("hash", receipt.sha256_after).EndObject();
  out.Field("backup_path", receipt.backup_path).Key("undo");
  if (receipt.undo.empty()) {
    out.Null();
  } else {
    out.BeginObject().Field("command", JoinCommand(receipt.undo)).Key("argv").BeginArray();
    for (const std::string& word : receipt.undo) out.String(word);
    out.EndArray().EndObject();
  }
  out.EndObject();
}

}  // namespace selftune::capi
