#include "capi/install_steps.h"

#include <algorithm>

namespace selftune::capi {

bool Steps::changed() const {
  return std::any_of(list_.begin(), list_.end(), [](const Step& step) { return step.changed; });
}

bool Steps::changed(std::string_view id) const {
  return std::any_of(list_.begin(), list_.end(),
                     [&](const Step& step) { return step.changed && step.id.starts_with(id); });
}

void Steps::Write(base::JsonWriter& out, bool with_needs) const {
  out.Key("steps").BeginArray();
  for (const Step& step : list_) {
    out.BeginObject()
        .Field("id", step.id)
        .Field("status", step.status)
        .Field("changed", step.changed && !context_.dry_run())
        .Field("detail", step.detail);
    if (with_needs) {
      out.Key("needs").BeginArray();
      for (const std::string& need : step.needs) out.String(need);
      out.EndArray();
    }
    out.EndObject();
  }
  out.EndArray();
}

void WriteReceiptOrNull(base::JsonWriter& out, const std::optional<Receipt>& receipt) {
  out.Key("receipt");
  if (receipt.has_value()) {
    WriteReceipt(out, *receipt);
  } else {
    out.Null();
  }
}

}  // namespace selftune::capi
