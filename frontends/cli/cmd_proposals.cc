// proposals: the queue of changes that wait for a person.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string RenderList(const Reply& reply, const Screen& screen) {
  Table table({{"proposal"},
               {"skill", Table::Align::kLeft, true},
               {"state"},
               {"made"},
               {"rationale", Table::Align::kLeft, true}});
  for (const Json& proposal : reply.data()["items"].items()) {
    table.Add({{OneLine(proposal["proposal_id"].Text())},
               {OneLine(proposal["skill"].Text())},
               {OneLine(proposal["state"].Text())},
               {Ago(proposal["created"].Text(), reply.now())},
               {OneLine(proposal["rationale"].Text()), Style::kDim}});
  }
  return table.empty() ? "No proposals.\n" : table.Draw(screen);
}

std::string RenderDiff(const Reply& reply, const Screen&) {
  const std::string text = ManyLines(reply.data()["diff"].Text());
  return text.ends_with('\n') ? text : text + "\n";
}

std::string RenderState(const Reply& reply, const Screen&) {
  const Json& data = reply.data();
  std::string out = OneLine(data["proposal_id"].Text()) + ": " + OneLine(data["state"].Text());
  const std::string deploy = OneLine(data["deploy_id"].Text());
  return out + (deploy.empty() ? "" : " (deploy " + deploy + ")") + "\n";
}

constexpr Positional kProposal[] = {{"proposal-id", "as in selftune proposals list"}};
constexpr Flag kListFlags[] = {
    {"state", "only those in this state; open: not decided", FlagType::kText, "state"},
    kSkillFlag,
    kSkillPathFlag,
    kLimitFlag,
    kCursorFlag,
};
constexpr std::string_view kFormats[] = {"word", "unified"};
constexpr Flag kDiffFlags[] = {{"format", "of the difference", FlagType::kText, {}, 0, kFormats}};
constexpr Flag kApproveFlags[] = {
    {"allow-dirty", "also when git has uncommitted changes of the file", FlagType::kSwitch},
};
constexpr Flag kRejectFlags[] = {{"reason", "kept with the proposal", FlagType::kText}};
constexpr Example kListExamples[] = {
    {"selftune proposals list --state open", "what waits for you"},
    {"selftune proposals list --skill pdf", "those for one skill"}};

constexpr Example kShowExamples[] = {
    {"selftune proposals show <proposal-id>", "its texts, figures and every step"},
};

constexpr Example kDiffExamples[] = {
    {"selftune proposals diff <proposal-id>", "word by word"},
    {"selftune proposals diff <proposal-id> --format unified", "as a patch"},
};

constexpr Example kApproveExamples[] = {
    {"selftune proposals approve <proposal-id> --dry-run", "could it be deployed?"},
    {"selftune proposals approve <proposal-id>", "write the SKILL.md"},
};

constexpr Example kRejectExamples[] = {
    {"selftune proposals reject <proposal-id> --reason 'too narrow'", "it is not proposed again"},
};

}  // namespace

extern const Command kProposalsListCommand = {
    .path = "proposals list",
    .summary = "List proposed changes",
    .group = "Improve",
    .op = "proposal.list",
    .flags = kListFlags,
    .examples = kListExamples,
    .render = RenderList,
};

extern const Command kProposalsShowCommand = {
    .path = "proposals show",
    .summary = "Show a proposed change and its test",
    .group = "Improve",
    .op = "proposal.show",
    .positionals = kProposal,
    .examples = kShowExamples,
};

extern const Command kProposalsDiffCommand = {
    .path = "proposals diff",
    .summary = "Show what a proposal changes",
    .group = "Improve",
    .op = "proposal.diff",
    .flags = kDiffFlags,
    .positionals = kProposal,
    .examples = kDiffExamples,
    .render = RenderDiff,
    .verbatim = true,
};

extern const Command kProposalsApproveCommand = {
    .path = "proposals approve",
    .summary = "Deploy a proposal that waits for a review",
    .group = "Improve",
    .op = "proposal.approve",
    .flags = kApproveFlags,
    .positionals = kProposal,
    .examples = kApproveExamples,
    .render = RenderState,
};

extern const Command kProposalsRejectCommand = {
    .path = "proposals reject",
    .summary = "Refuse a proposal for good",
    .group = "Improve",
    .op = "proposal.reject",
    .flags = kRejectFlags,
    .positionals = kProposal,
    .examples = kRejectExamples,
    .render = RenderState,
};

}  // namespace selftune::cli
