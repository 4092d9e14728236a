#include "capi/receipt.h"

#include "capi/envelope.h"

namespace selftune::capi {

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
