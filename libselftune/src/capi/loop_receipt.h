// Which files a run of the loop changed, for its receipt.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "capi/receipt.h"
#include "orchestrate/run.h"
#include "orchestrate/watching.h"

namespace selftune::capi {

// By rollbacks.
[[nodiscard]] std::vector<ChangedFile> FilesTakenBack(
    const std::vector<orchestrate::WatchResult>& watches);
// By rollbacks and deploys. One deploy and nothing else can be taken back by one command.
[[nodiscard]] std::optional<Receipt> ReceiptOfRun(std::string_view operation,
                                                  const orchestrate::RunReport& report);

}  // namespace selftune::capi
