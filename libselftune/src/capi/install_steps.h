// What a run of init or uninstall did so far, step by step.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "capi/context.h"
#include "capi/receipt.h"

namespace selftune::capi {

struct Step {
  std::string id;
  std::string_view status = "done";  // done skipped failed
  bool changed = false;
  std::string detail;
  std::vector<std::string> needs = {};
};

class Steps {
 public:
  explicit Steps(Context& context) : context_(context) {}

  void Done(std::string id, bool changed, std::string detail, std::vector<std::string> needs = {}) {
    list_.push_back({std::move(id), "done", changed, std::move(detail), std::move(needs)});
  }
  void Skipped(std::string id, std::string detail) {
    list_.push_back({std::move(id), "skipped", false, std::move(detail)});
  }
  void Failed(std::string id, const Status& status) {
    list_.push_back({std::move(id), "failed", false, std::string(Message(status))});
    if (first_.ok()) first_ = status;
  }
  [[nodiscard]] const Status& first_failure() const { return first_; }
  [[nodiscard]] bool changed() const;
  // Of a step whose id begins so.
  [[nodiscard]] bool changed(std::string_view id) const;

  void Write(base::JsonWriter& out, bool with_needs) const;

 private:
  Context& context_;
  std::vector<Step> list_;
  Status first_;
};

void WriteReceiptOrNull(base::JsonWriter& out, const std::optional<Receipt>& receipt);

}  // namespace selftune::capi
