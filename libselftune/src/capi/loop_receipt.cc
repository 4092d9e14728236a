#include "capi/loop_receipt.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace selftune::capi {

std::vector<ChangedFile> FilesTakenBack(const std::vector<orchestrate::WatchResult>& watches) {
  std::vector<ChangedFile> out;
  for (const orchestrate::WatchResult& watch : watches) {
    if (!watch.rolled_back) continue;
    for (const deploy::RollbackFile& file : watch.files) {
      if (file.missing || file.sha256_before == file.sha256_after) continue;
      out.push_back({file.path, file.sha256_before, file.sha256_after});
    }
  }
  return out;
}

std::optional<Receipt> ReceiptOfRun(std::string_view operation,
                                    const orchestrate::RunReport& report) {
  std::vector<ChangedFile> files = FilesTakenBack(report.watches);
  std::vector<std::string> deploys;
  const bool only_deploys = files.empty();
  for (const orchestrate::SkillDecision& entry : report.decisions) {
    if (!entry.improved.has_value() || !entry.improved->deployed) continue;
    deploys.push_back(entry.improved->deploy_id);
    for (const std::string& path : entry.improved->paths) {
      files.push_back({path, entry.improved->sha256_before, entry.improved->sha256_after});
    }
  }
  std::vector<std::string> undo;
  if (only_deploys && deploys.size() == 1) {
    undo = {"selftune", "evolve", "rollback", "--deploy-id", deploys.front(), "--yes"};
  }
  return ReceiptOfFiles(operation, files, std::move(undo));
}

}  // namespace selftune::capi
