// A deploy, its rollback, or the recovery after one, as a process of its own, so
// that a test can kill it at any system call.
//
//   deploy_child STATE_DIR PLAN COMMAND...
//
// PLAN: a line a file, "<path>\t<file with the new bytes>". Commands, in order:
//   prepare   makes the store and an approved proposal
//   deploy    changes the files
//   rollback  takes the newest deploy back
//   recover   prints what it ended
//   state     prints the deploys, the journals and the proposal
// Exits with 1 on a failure, with 2 when a recovery has to take the change back.
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "deploy/deployer.h"
#include "deploy/journal.h"
#include "deploy/recover.h"
#include "deploy/rollback.h"
#include "store/audit_chain.h"
#include "store/db.h"
#include "store/deploy_rows.h"
#include "store/evolution_log.h"
#include "store/job_rows.h"
#include "store/write_txn.h"

namespace selftune {
namespace {

constexpr char kProposal[] = "evo-pdf-1";

using Files = std::vector<std::pair<std::string, std::string>>;  // path, file of its new bytes

StatusOr<std::unique_ptr<store::Db>> OpenStore(const std::string& state_dir) {
  store::OpenOptions options;
  options.mode = store::OpenMode::kCreate;
  options.durable = true;
  return store::Db::Open(store::StorePath(state_dir), options);
}

Status Prepare(store::Db& db, const std::string& path) {
  ST_ASSIGN_OR_RETURN(const std::string bytes, base::ReadFile(path, 1 << 20));
  const std::string sha = base::Sha256Bytes(bytes);
  ST_ASSIGN_OR_RETURN(store::WriteTxn txn, store::WriteTxn::Begin(db));
  ST_RETURN_IF_ERROR(store::CreateProposal(db,
                                           {.proposal_id = kProposal,
                                            .skill = "pdf",
                                            .location = path,
                                            .original = "old",
                                            .proposed = "new",
                                            .original_sha256 = sha},
                                           {.action = store::ProposalState::kCreated}, {1}));
  for (const auto step : {store::ProposalState::kValidated, store::ProposalState::kApproved}) {
    ST_RETURN_IF_ERROR(store::AddStep(db, kProposal, {.action = step}, {2}));
  }
  return txn.Commit();
}

Status DeployAll(const deploy::DeployWorld& world, const Files& files) {
  deploy::DeployPlan plan{.skill = "pdf", .proposal_id = kProposal};
  for (const auto& [path, new_file] : files) {
    ST_ASSIGN_OR_RETURN(const std::string old_bytes, base::ReadFile(path, 1 << 20));
    ST_ASSIGN_OR_RETURN(std::string new_bytes, base::ReadFile(new_file, 1 << 20));
    plan.targets.push_back({.path = path,
                            .old_sha256 = base::Sha256Hex(old_bytes),
                            .new_bytes = std::move(new_bytes)});
  }
  return deploy::Execute(world, plan).status();
}

Status RollBack(const deploy::DeployWorld& world) {
  ST_ASSIGN_OR_RETURN(const auto current, store::CurrentDeploy(*world.db, "pdf"));
  if (!current.has_value()) return Fail(kNotFound, "nothing to roll back");
  ST_ASSIGN_OR_RETURN(const deploy::RollbackOutcome outcome,
                      deploy::Rollback(world, current->deploy_id, "worse", "run"));
  if (outcome.state == deploy::RollbackState::kRolledBack) return absl::OkStatus();
  return Fail(kConflicted, "{}", outcome.detail);
}

Status RecoverAll(const deploy::DeployWorld& world) {
  ST_ASSIGN_OR_RETURN(const deploy::RecoverReport report, deploy::Recover(world));
  std::printf("finished %zu aborted %zu conflicted %zu\n", report.finished.size(),
              report.aborted.size(), report.conflicted.size());
  return report.damaged.empty() ? absl::OkStatus() : report.damaged.front().why;
}

Status PrintState(const deploy::DeployWorld& world) {
  ST_ASSIGN_OR_RETURN(const auto deploys, store::ListDeploys(*world.db, "pdf"));
  for (const store::DeployRow& row : deploys) {
    std::printf("row %s %s %s\n", row.deploy_id.c_str(), row.kind.c_str(), row.state.c_str());
  }
  ST_ASSIGN_OR_RETURN(const auto journals, deploy::ListJournals(world.state_dir));
  for (const std::string& id : journals) {
    ST_ASSIGN_OR_RETURN(const auto ending, deploy::Journal(world.state_dir, id).ReadEnding());
    const std::string word(ending.has_value() ? deploy::Word(*ending) : "open");
    std::printf("journal %s %s\n", id.c_str(), word.c_str());
  }
  ST_ASSIGN_OR_RETURN(const store::StoredProposal proposal,
                      store::LoadProposal(*world.db, kProposal));
  std::printf("proposal %s\n", std::string(store::Word(proposal.state)).c_str());
  ST_ASSIGN_OR_RETURN(const auto policy, store::ReadSkillPolicy(*world.db, "pdf"));
  std::printf("rests %s\n", policy.cooldown_until.has_value() ? "yes" : "no");
  ST_ASSIGN_OR_RETURN(const auto broken, store::CheckChains(*world.db));
  std::printf("chain %s\n", broken.empty() ? "ok" : broken.front().c_str());
  return absl::OkStatus();
}

StatusOr<Files> ReadPlan(const std::string& path) {
  ST_ASSIGN_OR_RETURN(const std::string text, base::ReadFile(path, 1 << 20));
  Files files;
  for (const std::string_view line : base::Split(text, '\n')) {
    const size_t tab = line.find('\t');
    if (tab == line.npos) continue;
    files.emplace_back(line.substr(0, tab), line.substr(tab + 1));
  }
  return files;
}

Status RunCommand(const deploy::DeployWorld& world, const Files& files, std::string_view command) {
  if (command == "prepare") return Prepare(*world.db, files.front().first);
  if (command == "deploy") return DeployAll(world, files);
  if (command == "rollback") return RollBack(world);
  if (command == "recover") return RecoverAll(world);
  if (command == "state") return PrintState(world);
  return Fail(kInvalidRequest, "unknown command {}", command);
}

Status Run(int argc, char** argv) {
  if (argc < 4) return Fail(kInvalidRequest, "usage: deploy_child STATE_DIR PLAN COMMAND...");
  const std::string state_dir = argv[1];
  ST_ASSIGN_OR_RETURN(const Files files, ReadPlan(argv[2]));
  ST_RETURN_IF_ERROR(base::MakeDirs(state_dir, 0700));
  ST_ASSIGN_OR_RETURN(const auto db, OpenStore(state_dir));
  const deploy::DeployWorld world{
      .db = db.get(), .state_dir = state_dir, .clock = &SystemClock(), .settle_ms = 1};
  for (int i = 3; i < argc; ++i) ST_RETURN_IF_ERROR(RunCommand(world, files, argv[i]));
  return absl::OkStatus();
}

}  // namespace
}  // namespace selftune

int main(int argc, char** argv) {
  const selftune::Status status = selftune::Run(argc, argv);
  if (status.ok()) return 0;
  const std::string message(selftune::Message(status));
  std::fprintf(stderr, "%s: %s\n", std::string(selftune::CodeOf(status).name).c_str(),
               message.c_str());
  // The reader of stderr may not see it: a full disk fails that write as well.
  return message.find("taking it back") == std::string::npos ? 1 : 2;
}
