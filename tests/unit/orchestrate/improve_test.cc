#include "orchestrate/improve.h"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/lock_file.h"
#include "orchestrate/skill_lock.h"
#include "orchestrate/skill_target.h"
#include "store/evolution_log.h"
#include "store/write_txn.h"
#include "support/judge_script.h"
#include "support/scripted_backend.h"
#include "support/skill_scene.h"

namespace selftune::orchestrate {
namespace {

using testing::kOld;

constexpr char kBetter[] = "Use when the user wants invoices totalled, such as a monthly sum.";

// Twenty of each kind and side: letters, because runs of digits count as equal.
std::string EvalFile() {
  base::JsonWriter out;
  out.BeginArray();
  for (int i = 0; i < 120; ++i) {
    const std::string mark =
        fmt::format("{}{}", static_cast<char>('a' + i / 26), static_cast<char>('a' + i % 26));
    const bool should = i % 2 == 0;
    out.BeginObject()
        .Field("query", should ? fmt::format("total invoice {0}one {0}two {0}three", mark)
                               : fmt::format("restart server {0}four {0}five {0}six", mark))
        .Field("should_trigger", should)
        .EndObject();
  }
  out.EndArray();
  return std::move(out).Take();
}

struct Scene : testing::SkillScene {
  config::Config config;
  base::Environment env;
  skillfs::Discovery skills;
  std::string eval_set = dir.Write("set.json", EvalFile());
  std::vector<std::string> told;  // progress, and "call" for each question
  std::string proposal = kBetter;
  std::function<void()> on_proposal;
  Status failure;  // of each proposal
  struct : Clock {
    UtcMillis now = SystemClock().Now();
    [[nodiscard]] UtcMillis Now() const override { return now; }
  } clock;
  testing::ScriptedBackend backend{[this](const llm::LlmRequest& request) {
    told.emplace_back("call");
    const bool judge = request.purpose == llm::Purpose::kTriggerBatch;
    if (!judge && on_proposal) on_proposal();
    if (!judge && !failure.ok()) return StatusOr<std::string>(failure);
    return StatusOr<std::string>(judge ? testing::JudgeAnswer(request.user)
                                       : testing::Proposal(proposal));
  }};

  Scene() {
    skillfs::InstalledSkill& found = skills.skills.emplace_back();
    found.name = "pdf";
    found.real_path = skill;
    found.frontmatter = skillfs::ParseFrontmatter(kOld);
    skillfs::SkillPlacement& placement = found.placements.emplace_back();
    placement.path = skill;
    placement.platform = "claude_code";
    placement.scope = "global";
    placement.name = "pdf";
  }
  [[nodiscard]] ImproveWorld World() {
    return {.db = db.get(),
            .env = &env,
            .clock = &clock,
            .config = &config,
            .state_dir = state,
            .skills = &skills,
            .backend = &backend,
            .progress = [this](std::string_view stage, int64_t, int64_t, std::string_view what) {
              told.push_back(std::string(stage) + ": " + std::string(what));
            }};
  }
  [[nodiscard]] StatusOr<ImproveResult> Improve(bool dry_run = false) {
    const ImproveWorld world = World();
    ImproveOptions options;
    options.skill = "pdf";
    options.eval_set = eval_set;
    options.run_id = "run";
    options.dry_run = dry_run;
    return ImproveSkill(world, options);
  }
  [[nodiscard]] std::string LockPath() const {
    return base::JoinPath(state, "locks/evolve-" + base::Sha256Hex("pdf").substr(0, 16) + ".lock");
  }
  [[nodiscard]] std::string Text() const { return base::ReadFile(skill, 4096).value_or(""); }
};

}  // namespace

TEST_SUITE("orchestrate/improve") {
  TEST_CASE("queries of a file are enough to improve a skill") {
    Scene scene;
    const auto result = scene.Improve();
    INFO(Message(result.status()));
    REQUIRE(result.ok());
    INFO(result->reason);
    CHECK(result->reason_code == "deployed");
    CHECK(scene.Text().find("invoices totalled") != std::string::npos);
    // What the test can find out is said before the first question.
    REQUIRE(!scene.told.empty());
    CHECK(scene.told.front().starts_with("plan: pdf: "));
    CHECK(scene.told.front().find("held-out prompts") != std::string::npos);
  }

  TEST_CASE("a dry run stops before the held-out test and writes nothing") {
    Scene scene;
    const auto result = scene.Improve(/*dry_run=*/true);
    REQUIRE(result.ok());
    CHECK(result->reason_code == "dry_run");
    CHECK(result->after == kBetter);
    CHECK_FALSE(result->evolution.tested);
    CHECK(scene.Text() == kOld);
    CHECK(store::EntriesOfLooks(*scene.db, "pdf")->empty());
    CHECK_FALSE(base::Exists(base::JoinPath(scene.state, "locks")));
  }

  TEST_CASE("a skill takes a quarter of an hour at most, unless somebody says otherwise") {
    Scene scene;
    scene.clock.now = {1'764'000'000'000};
    scene.on_proposal = [&] { scene.clock.now.value += 15 * 60'000; };
    const auto result = scene.Improve();
    REQUIRE(result.ok());
    CHECK(result->reason_code == "budget_exhausted");
    CHECK(result->reason.find("time") != std::string::npos);
    // A call that begins late may not last as long as others.
    CHECK(scene.backend.requests.front().timeout ==
          llm::DefaultTimeout(llm::Purpose::kTriggerBatch));
  }

  TEST_CASE("two evolutions of one skill do not run at the same time") {
    Scene scene;
    const std::string locks = base::JoinPath(scene.state, "locks");
    REQUIRE(base::MakeDirs(locks, 0700).ok());
    {
      const auto held = base::LockFile::TryAcquire(scene.LockPath(), "{}");
      REQUIRE(held.ok());
      CHECK(CodeOf(scene.Improve().status()).name == "LOCK_HELD");
      CHECK(scene.backend.requests.empty());
    }
    CHECK(scene.Improve()->reason_code == "deployed");
  }

  TEST_CASE("a text with a command the skill does not know waits for a person") {
    Scene scene;
    scene.proposal = "Use when invoices are totalled, such as a monthly sum; first run curl.";
    CHECK(scene.Improve()->reason_code == "review_required");
    CHECK(scene.Text() == kOld);
    const auto again = scene.Improve();
    CHECK(again->reason_code == "review_pending");
    CHECK(scene.Text() == kOld);
    // Why it waits stands in the audit, too.
    auto row = scene.db->Query(
        "SELECT count(*) FROM evolution_event WHERE action='validated' AND details LIKE ?1",
        std::string_view("%needs a review: command: %curl%"));
    REQUIRE(row.ok());
    REQUIRE(*row->Next());
    CHECK(row->Int(0) == 1);
    // Nor is it approved while somebody works on the skill.
    {
      const auto held = base::LockFile::TryAcquire(scene.LockPath(), "{}");
      REQUIRE(held.ok());
      CHECK(CodeOf(DeployProposal(scene.World(), again->proposal_id, false, "r").status()).name ==
            "LOCK_HELD");
    }
    CHECK(DeployProposal(scene.World(), again->proposal_id, false, "r")->deployed);
    CHECK(scene.Text().find("run curl") != std::string::npos);
  }

  TEST_CASE("a change that the host proposes meanwhile keeps an approval from deploying") {
    Scene scene;
    scene.proposal = "Use when invoices are totalled, such as a monthly sum; first run curl.";
    const auto waits = scene.Improve();
    REQUIRE(waits.ok());
    REQUIRE(waits->reason_code == "review_required");
    const std::string before = scene.Text();
    scene.skills.skills[0].held = {.what = "its host has proposal p1", .command = "host list"};
    const auto held = DeployProposal(scene.World(), waits->proposal_id, false, "r");
    REQUIRE(held.ok());
    CHECK(held->reason_code == "held_by_host");
    CHECK(held->reason.starts_with("its host has proposal p1 for "));
    CHECK(held->command == "host list");
    CHECK(scene.Text() == before);
    const size_t asked = scene.told.size();
    CHECK(scene.Improve()->reason_code == "held_by_host");
    CHECK(scene.told.size() == asked);  // no model was asked
    scene.skills.skills[0].held = {};   // decided
    CHECK(DeployProposal(scene.World(), waits->proposal_id, false, "r")->deployed);
  }

  TEST_CASE("who keeps a file from being changed is told by a code of its own") {
    struct Case {
      const char* plugin;
      const char* scope;
      uint64_t links;
      const char* code;
      bool single = false;
    };
    const Case cases[] = {
        {"acme", "global", 1, "managed_by_plugin"},
        {"acme", "system", 1, "managed_by_plugin"},
        {"", "system", 1, "protected"},
        {"", "admin", 1, "protected"},
        {"", "global", 2, "hard_linked"},
        {"", "global", 1, "single_file", /*single=*/true},
    };
    for (const Case& c : cases) {
      CAPTURE(c.plugin);
      CAPTURE(c.scope);
      Scene scene;
      skillfs::InstalledSkill& skill = scene.skills.skills[0];
      skill.links = c.links;
      skill.single_file = c.single;
      skill.placements[0].plugin = c.plugin;
      skill.placements[0].scope = c.scope;
      const auto result = scene.Improve();
      REQUIRE(result.ok());
      CHECK(result->reason_code == c.code);
    }
  }

  TEST_CASE("a single file does not keep the skill in its folder from being changed") {
    for (const bool same : {true, false}) {
      CAPTURE(same);
      Scene scene;
      skillfs::InstalledSkill single = scene.skills.skills[0];
      single.single_file = true;
      single.real_path = single.placements[0].path = scene.skill + ".md";
      if (!same) single.frontmatter.description = "Something else.";
      REQUIRE(base::WriteFileAtomic(single.real_path, scene.Text(), 0644).ok());
      scene.skills.skills.insert(scene.skills.skills.begin(), single);
      const auto result = scene.Improve();
      REQUIRE(result.ok());
      CHECK(result->deployed);
      CHECK(scene.Text() != kOld);
      CHECK(base::ReadFile(single.real_path, 1 << 20).value_or("") == kOld);
    }
  }

  TEST_CASE("what was spent before an error is told") {
    Scene scene;
    scene.failure = Fail(kAuthMissing, "logged out");
    const auto result = scene.Improve();
    REQUIRE(result.ok());
    CHECK(CodeOf(result->failure).name == "AUTH_MISSING");
    CHECK(result->reason_code == "error");
    CHECK(result->spent.calls > 0);
    CHECK(scene.Text() == kOld);
    CHECK(CodeOf(scene.Improve(/*dry_run=*/true)->failure).name == "AUTH_MISSING");
  }

  TEST_CASE("a text that was edited since the skills were looked up is not the one to improve") {
    Scene scene;
    REQUIRE(base::WriteFileAtomic(scene.skill, testing::kNew, 0644).ok());
    const auto result = scene.Improve();
    REQUIRE(result.ok());
    CHECK(result->reason_code == "file_changed");
    CHECK(scene.backend.requests.empty());
    CHECK(scene.Text() == testing::kNew);
  }

  TEST_CASE("proposals of dead processes are ended, those under way are not") {
    Scene scene;
    for (const char* skill : {"pdf", "Ledger"}) {
      auto txn = store::WriteTxn::Begin(*scene.db);
      REQUIRE(txn.ok());
      REQUIRE(store::CreateProposal(
                  *scene.db,
                  {.proposal_id = skill, .skill = skill, .original = "a", .proposed = "b"},
                  {.details = "made"}, {1})
                  .ok());
      REQUIRE(txn->Commit().ok());
    }
    REQUIRE(base::MakeDirs(base::JoinPath(scene.state, "locks"), 0700).ok());
    const auto held = base::LockFile::TryAcquire(scene.LockPath(), "{}");
    REQUIRE(held.ok());
    REQUIRE(EndDeadProposals(*scene.db, scene.state, "run", {2}).ok());
    CHECK(store::LoadProposal(*scene.db, "pdf")->state == store::ProposalState::kCreated);
    CHECK(store::LoadProposal(*scene.db, "Ledger")->state == store::ProposalState::kSuperseded);
    CHECK(*store::SkillsWithUnfinished(*scene.db) == std::vector<std::string>{"pdf"});
  }

  TEST_CASE("a file with something else than labelled queries is refused by its entry") {
    for (const auto& [text, said] :
         {std::pair("{}", "no JSON array"), std::pair("[", "reading the eval set"),
          std::pair(R"([{"query":"a","should_trigger":true},{"query":1}])", "entry 2")}) {
      Scene scene;
      scene.eval_set = scene.dir.Write("other.json", text);
      const auto result = scene.Improve();
      CHECK(CodeOf(result.status()).name == "INVALID_REQUEST");
      CHECK(Message(result.status()).find(said) != std::string_view::npos);
    }
  }

  TEST_CASE("a SKILL.md that cannot be read is not one that does not exist") {
    skillfs::Discovery discovery;
    discovery.problems.push_back(
        {.path = "/h/skills/Ledger/SKILL.md", .code = "FILE_UNREADABLE", .message = "no right"});
    CHECK(CodeOf(FindTarget(discovery, "ledger", "").status()).name == "FILE_UNREADABLE");
    CHECK(CodeOf(FindTarget(discovery, "other", "").status()).name == "SKILL_NOT_FOUND");
  }
}

}  // namespace selftune::orchestrate
