// Every command of this program, by the file that defines it.
#pragma once

#include "cli/command.h"

namespace selftune::cli {

// cmd_status.cc
extern const Command kStatusCommand;
extern const Command kDoctorCommand;
extern const Command kBugreportCommand;
// cmd_last.cc
extern const Command kLastCommand;
// cmd_dashboard.cc
extern const Command kDashboardCommand;
// cmd_skills.cc
extern const Command kSkillsListCommand;
extern const Command kSkillsShowCommand;
extern const Command kSkillsLockCommand;
extern const Command kSkillsUnlockCommand;
extern const Command kSkillsParseCommand;
// cmd_budget.cc
extern const Command kBudgetCommand;
// cmd_lint.cc
extern const Command kSkillsLintCommand;
// cmd_badge.cc
extern const Command kBadgeCommand;
// cmd_why.cc
extern const Command kWhyCommand;
// cmd_evidence.cc
extern const Command kEvidenceCommand;
// cmd_llm.cc
extern const Command kLlmUsageCommand;
extern const Command kEvalMissesCommand;
// cmd_evolve.cc
extern const Command kEvolveCommand;
extern const Command kEvolveRollbackCommand;
// cmd_proposals.cc
extern const Command kProposalsListCommand;
extern const Command kProposalsShowCommand;
extern const Command kProposalsDiffCommand;
extern const Command kProposalsApproveCommand;
extern const Command kProposalsRejectCommand;
// cmd_watch.cc
extern const Command kWatchCommand;
// cmd_orchestrate.cc
extern const Command kOrchestrateCommand;
extern const Command kRunCommand;
// cmd_hooks.cc
extern const Command kHooksInstallCommand;
extern const Command kHooksUninstallCommand;
extern const Command kHooksStatusCommand;
extern const Command kHooksVerifyCommand;
extern const Command kHooksListCommand;
extern const Command kSkillInstallCommand;
extern const Command kSkillUpdateCommand;
extern const Command kSkillStatusCommand;
extern const Command kSkillUninstallCommand;
// cmd_init.cc
extern const Command kInitCommand;
extern const Command kQuickstartCommand;
extern const Command kUninstallCommand;
// cmd_schedule.cc
extern const Command kCronSetupCommand;
extern const Command kCronPreviewCommand;
extern const Command kCronListCommand;
extern const Command kCronStatusCommand;
extern const Command kCronRemoveCommand;
extern const Command kCronRunNowCommand;
extern const Command kScheduleRunNowCommand;
extern const Command kScheduleInstallCommand;
extern const Command kSchedulePreviewCommand;
extern const Command kScheduleListCommand;
extern const Command kScheduleStatusCommand;
extern const Command kScheduleRemoveCommand;
// cmd_sync.cc
extern const Command kSyncCommand;
// cmd_config.cc
extern const Command kConfigListCommand;
extern const Command kConfigGetCommand;
extern const Command kConfigSetCommand;
extern const Command kConfigPathCommand;
extern const Command kConfigValidateCommand;
// cmd_store.cc
extern const Command kExportCommand;
extern const Command kImportCommand;
extern const Command kForgetCommand;
extern const Command kRecoverCommand;
extern const Command kDbRebuildCommand;
extern const Command kDbCheckCommand;
extern const Command kDbStatsCommand;
extern const Command kDbMigrateCommand;
extern const Command kDbVacuumCommand;
extern const Command kBackupCreateCommand;
extern const Command kBackupListCommand;
extern const Command kBackupVerifyCommand;
extern const Command kBackupRestoreCommand;
extern const Command kQueryCommand;
// cmd_import.cc
extern const Command kImportUpstreamCommand;
// cmd_ingest.cc
extern const Command kIngestWrapCodexCommand;
// cmd_docs.cc
extern const Command kCompletionsCommand;
extern const Command kManCommand;
// cmd_mcp.cc
extern const Command kMcpCommand;
// cmd_tools.cc
extern const Command kRequestCommand;
extern const Command kSchemaCommand;
extern const Command kVersionCommand;
extern const Command kHelpCommand;

}  // namespace selftune::cli
