#include "cli/registry.h"

#include <algorithm>
#include <string>

#include "cli/commands.h"

namespace selftune::cli {
namespace {

// To add a command: define it in a cmd_*.cc, declare it in commands.h and put
// it here. It appears as soon as operations.toml has its operation.
constexpr const Command* kCommands[] = {
    // clang-format off
    &kStatusCommand, &kLastCommand, &kWhyCommand, &kSkillsListCommand, &kSkillsShowCommand, &kBudgetCommand, &kDoctorCommand, &kBadgeCommand, &kDashboardCommand,
    &kEvolveCommand, &kEvolveRollbackCommand, &kWatchCommand, &kOrchestrateCommand, &kRunCommand,
    &kCronSetupCommand, &kCronPreviewCommand, &kCronListCommand, &kCronStatusCommand, &kCronRemoveCommand, &kCronRunNowCommand, &kScheduleRunNowCommand,
    &kScheduleInstallCommand, &kSchedulePreviewCommand, &kScheduleListCommand, &kScheduleStatusCommand, &kScheduleRemoveCommand,
    &kProposalsListCommand, &kProposalsShowCommand, &kProposalsDiffCommand, &kProposalsApproveCommand,
    &kProposalsRejectCommand, &kSkillsLockCommand, &kSkillsUnlockCommand,
    &kSyncCommand, &kIngestWrapCodexCommand, &kEvidenceCommand, &kEvalMissesCommand,
    &kConfigListCommand, &kConfigGetCommand, &kConfigSetCommand, &kConfigPathCommand, &kConfigValidateCommand,
    &kImportUpstreamCommand,
    &kExportCommand, &kImportCommand, &kForgetCommand, &kRecoverCommand, &kDbRebuildCommand, &kDbCheckCommand, &kDbStatsCommand, &kDbMigrateCommand, &kDbVacuumCommand,
    &kBackupCreateCommand, &kBackupListCommand, &kBackupVerifyCommand, &kBackupRestoreCommand, &kQueryCommand, &kLlmUsageCommand,
    &kInitCommand, &kQuickstartCommand, &kUninstallCommand,
    &kHooksInstallCommand, &kHooksUninstallCommand, &kHooksStatusCommand, &kHooksVerifyCommand, &kHooksListCommand,
    &kSkillInstallCommand, &kSkillUpdateCommand, &kSkillStatusCommand, &kSkillUninstallCommand,
    &kSkillsParseCommand, &kSkillsLintCommand, &kRequestCommand, &kSchemaCommand, &kBugreportCommand, &kMcpCommand, &kCompletionsCommand, &kManCommand, &kVersionCommand, &kHelpCommand,
    // clang-format on
};

}  // namespace

const OpRow* FindOp(std::string_view name) {
  const auto it =
      std::lower_bound(std::begin(kOps), std::end(kOps), name,
                       [](const OpRow& row, std::string_view n) { return row.name < n; });
  return it != std::end(kOps) && it->name == name ? &*it : nullptr;
}

const std::vector<const Command*>& Registered() {
  static const std::vector<const Command*>* const commands = [] {
    auto* list = new std::vector<const Command*>();
    for (const Command* command : kCommands) {
      if (command->op.empty() || FindOp(command->op) != nullptr) list->push_back(command);
    }
    return list;
  }();
  return *commands;
}

const Command* FindCommand(std::string_view path) {
  for (const Command* command : Registered()) {
    if (command->path == path) return command;
  }
  return nullptr;
}

Match MatchCommand(const std::vector<std::string>& words) {
  Match match;
  std::string path;
  for (size_t i = 0; i < words.size() && i < 3; ++i) {
    path += (i == 0 ? "" : " ") + words[i];
    if (const Command* command = FindCommand(path)) match = {command, i + 1};
  }
  return match;
}

}  // namespace selftune::cli
