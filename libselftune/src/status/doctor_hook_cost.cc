// What the hooks of an agent cost, ours and others': as its own transcripts timed them.
// Other people's programs are never started to find out.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "install/hook_list.h"
#include "status/doctor_checks.h"
#include "store/queries/sources.h"

namespace selftune::status {
namespace {

constexpr size_t kFiles = 20;                        // the newest ones
constexpr uint64_t kMostOfFile = uint64_t{1} << 20;  // its end
constexpr size_t kCommandShown = 60;                 // bytes
// A person notices that an agent waits.
constexpr int64_t kSlowMs = 500, kOursSlowMs = 250;

// The end of a file, from the first whole line on; "" when it cannot be read.
std::string LinesAtEnd(const std::string& path) {
  const auto opened = base::OpenRegular(path);
  if (!opened.ok()) return "";
  const uint64_t size = opened->info.size;
  const uint64_t from = size > kMostOfFile ? size - kMostOfFile : 0;
  std::string out(size - from, '\0');
  const auto got = base::ReadAt(opened->file.fd(), from, out.data(), out.size(), path);
  if (!got.ok()) return "";
  out.resize(*got);
  if (from > 0) out.erase(0, std::min(out.find('\n'), out.size()));
  return out;
}

struct Cost {
  std::string command;
  std::vector<int64_t> ms;  // of each run, sorted

  [[nodiscard]] int64_t Median() const { return ms[ms.size() / 2]; }
  [[nodiscard]] std::string Text() const {
    return ms.size() == 1
               ? fmt::format("{} ms once", ms[0])
               : fmt::format("{} ms (median of {}, at most {})", Median(), ms.size(), ms.back());
  }
};

struct Costs {
  std::optional<Cost> ours;  // of all its commands together
  std::vector<Cost> others;  // the slowest first
  size_t files = 0;
};

Costs Measure(ingest::HookRunsOf runs_of, std::vector<store::SourceItem> files) {
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return std::pair(b.mtime.value, a.path) < std::pair(a.mtime.value, b.path);
  });
  if (files.size() > kFiles) files.resize(kFiles);
  std::map<std::string, Cost> by_command;  // "" = ours
  for (const store::SourceItem& file : files) {
    const std::string text = LinesAtEnd(file.path);
    for (const std::string_view line : base::Split(text, '\n')) {
      for (ingest::HookRun& run : runs_of(line)) {
        const bool ours = install::IsOurCommand(run.command);
        by_command[ours ? "" : std::move(run.command)].ms.push_back(run.ms);
      }
    }
  }
  Costs out{.files = files.size()};
  for (auto& [command, cost] : by_command) {
    std::sort(cost.ms.begin(), cost.ms.end());
    cost.command = command;
    if (command.empty()) {
      out.ours = std::move(cost);
    } else {
      out.others.push_back(std::move(cost));
    }
  }
  std::stable_sort(out.others.begin(), out.others.end(),
                   [](const Cost& a, const Cost& b) { return a.Median() > b.Median(); });
  return out;
}

// Text of another's settings, short and without anything that moves a terminal.
std::string Shown(std::string_view command) {
  const bool whole = command.size() <= kCommandShown;
  std::string_view text = command.substr(0, kCommandShown);
  // Not within a character.
  while (!whole && !text.empty() &&
         (static_cast<unsigned char>(command[text.size()]) & 0xc0) == 0x80)
    text.remove_suffix(1);
  return base::EscapeControls(text) + (whole ? "" : "...");
}

Check Describe(std::string_view platform, const Costs& costs) {
  Check check{.name = fmt::format("hooks.{}.cost", platform)};
  if (costs.ours.has_value()) check.message = "ours took " + costs.ours->Text();
  if (!costs.others.empty()) {
    const Cost& slowest = costs.others.front();
    if (!check.message.empty()) check.message += "; ";
    check.message += fmt::format("of {} of others the slowest, {}, took {}", costs.others.size(),
                                 Shown(slowest.command), slowest.Text());
  }
  check.message += fmt::format(", by the newest {} transcripts", costs.files);
  if (costs.ours.has_value() && costs.ours->Median() > kOursSlowMs) {
    check.status = CheckStatus::kWarn;
    check.text = "the agent waits for it; see whether each of our hooks is slow";
    check.command = fmt::format("selftune hooks verify {}", platform);
  } else if (!costs.others.empty() && costs.others.front().Median() > kSlowMs) {
    check.status = CheckStatus::kInfo;
    check.text = "the agent waits for it, and it is not ours; see where it stands";
    check.command = fmt::format("selftune hooks status {}", platform);
  }
  return check;
}

}  // namespace

Status CheckHookCost(const DoctorWorld& world, Checks& out) {
  for (const ingest::Source* source : world.sources) {
    if (source->hook_runs() == nullptr) continue;
    ST_ASSIGN_OR_RETURN(
        std::vector<store::SourceItem> files,
        store::ListSources(**world.db, {.platform = std::string(source->platform())}));
    const Costs costs = Measure(source->hook_runs(), std::move(files));
    if (!costs.ours.has_value() && costs.others.empty()) continue;
    out.push_back(Describe(source->platform(), costs));
  }
  return absl::OkStatus();
}

}  // namespace selftune::status
