// One deploy, or the recovery after one, as a process of its own, so that a
// test can kill it at any system call.
//
//   deploy_child STATE_DIR prepare SKILL_MD          makes store and proposal
//   deploy_child STATE_DIR deploy SKILL_MD NEW_FILE  changes the file
//   deploy_child STATE_DIR recover                   prints what it ended
//   deploy_child STATE_DIR state                     prints the deploys' states
#include <cstdio>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "deploy/deployer.h"
#include "deploy/recover.h"
#include "store/db.h"
#include "store/deploy_rows.h"
#include "store/evolution_log.h"
#include "store/write_txn.h"

namespace selftune {
namespace {

constexpr char kProposal[] = "evo-pdf-1";

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

Status DeployOne(const deploy::DeployWorld& world, const std::string& path,
                 const std::string& new_file) {
  ST_ASSIGN_OR_RETURN(const std::string old_bytes, base::ReadFile(path, 1 << 20));
  ST_ASSIGN_OR_RETURN(const std::string new_bytes, base::ReadFile(new_file, 1 << 20));
  deploy::DeployPlan plan{.skill = "pdf", .proposal_id = kProposal};
  plan.targets.push_back(
      {.path = path, .old_sha256 = base::Sha256Hex(old_bytes), .new_bytes = new_bytes});
  return deploy::Execute(world, plan).status();
}

Status RecoverAll(const deploy::DeployWorld& world) {
  ST_ASSIGN_OR_RETURN(const deploy::RecoverReport report, deploy::Recover(world));
  std::printf("finished %zu aborted %zu conflicted %zu\n", report.finished.size(),
              report.aborted.size(), report.conflicted.size());
  return absl::OkStatus();
}

Status PrintState(store::Db& db) {
  ST_ASSIGN_OR_RETURN(const auto deploys, store::ListDeploys(db, "pdf"));
  for (const store::DeployRow& row : deploys) std::printf("deploy %s\n", row.state.c_str());
  ST_ASSIGN_OR_RETURN(const store::StoredProposal proposal, store::LoadProposal(db, kProposal));
  std::printf("proposal %s\n", std::string(store::Word(proposal.state)).c_str());
  ST_ASSIGN_OR_RETURN(const auto broken, store::CheckChains(db));
  std::printf("chain %s\n", broken.empty() ? "ok" : broken.front().c_str());
  return absl::OkStatus();
}

Status Run(int argc, char** argv) {
  if (argc < 3) return Fail(kInvalidRequest, "usage: deploy_child STATE_DIR COMMAND ...");
  const std::string state_dir = argv[1];
  const std::string_view command = argv[2];
  ST_RETURN_IF_ERROR(base::MakeDirs(state_dir, 0700));
  ST_ASSIGN_OR_RETURN(const auto db, OpenStore(state_dir));
  const deploy::DeployWorld world{
      .db = db.get(), .state_dir = state_dir, .clock = &SystemClock(), .settle_ms = 1};
  if (command == "prepare" && argc == 4) return Prepare(*db, argv[3]);
  if (command == "deploy" && argc == 5) return DeployOne(world, argv[3], argv[4]);
  if (command == "recover") return RecoverAll(world);
  if (command == "state") return PrintState(*db);
  return Fail(kInvalidRequest, "unknown command");
}

}  // namespace
}  // namespace selftune

int main(int argc, char** argv) {
  const selftune::Status status = selftune::Run(argc, argv);
  if (status.ok()) return 0;
  const std::string message(selftune::Message(status));
  std::fprintf(stderr, "%s: %s\n", std::string(selftune::CodeOf(status).name).c_str(),
               message.c_str());
  return 1;
}
