// config: the settings of the person.
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/render.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

std::string RenderValues(const Reply& reply, const Screen& screen) {
  Table table({{"setting"}, {"value", Table::Align::kLeft, true}, {"from"}});
  for (const Json& row : reply.data()["values"].items()) {
    const bool set = row["source"].Text() == "file";
    const std::string value = OneLine(row["value"].Text());
    table.Add({{OneLine(row["key"].Text())},
               {value.empty() ? "-" : value, set ? Style::kPlain : Style::kDim},
               {set ? "file" : "default", Style::kDim}});
  }
  std::string out = table.Draw(screen);
  const Json& unknown = reply.data()["unknown"];
  for (const Json& key : unknown.items()) {
    out += "Not known here, kept: " + OneLine(key.Text()) + "\n";
  }
  return out;
}

std::string RenderOne(const Reply& reply, const Screen&) {
  std::string out;
  for (const Json& row : reply.data()["values"].items()) out += OneLine(row["value"].Text()) + "\n";
  return out;
}

std::string RenderPath(const Reply& reply, const Screen&) {
  return OneLine(reply.data()["path"].Text()) + "\n";
}

std::string Shown(const Json& value) {
  const std::string text = OneLine(value.Text());
  return text.empty() ? "nothing" : text;
}

std::string RenderSet(const Reply& reply, const Screen&) {
  const Json& data = reply.data();
  const std::string key = OneLine(data["key"].Text());
  const std::string now = Shown(data["after"]);
  const std::string was = Shown(data["before"]);
  std::string out = key + ": " + now + (now == was ? "" : " (was " + was + ")") + "\n";
  const std::string undo = OneLine(data["receipt"]["undo"]["command"].Text());
  return undo.empty() ? out : out + "Back: " + undo + "\n";
}

std::string RenderProblems(const Reply& reply, const Screen& screen) {
  std::string out;
  for (const Json& problem : reply.data()["problems"].items()) {
    out += screen.Paint(Style::kBad, OneLine(problem["key"].Text())) + "  " +
           OneLine(problem["message"].Text()) + "\n";
  }
  for (const Json& key : reply.data()["unknown"].items()) {
    out += "Not known here, kept: " + OneLine(key.Text()) + "\n";
  }
  return out.empty() ? "Every setting can be used.\n" : out;
}

constexpr Positional kKey[] = {{"key", "as in selftune config list"}};
constexpr Positional kKeyAndValue[] = {
    {"key", "as in selftune config list"},
    {"value", "left out with --default", /*required=*/false},
};
constexpr Flag kSetFlags[] = {
    {"default", "take the setting out of the file", FlagType::kSwitch},
};
constexpr Example kGetExamples[] = {{"selftune config get autonomy", "what may run by itself"}};
constexpr Example kSetExamples[] = {
    {"selftune config set autonomy propose", "changes wait for a review"},
    {"selftune config set hosts.codex.home /data/codex", "Codex keeps its files there"},
    {"selftune config set skills.pdf.autonomy locked", "never change this skill"},
    {"selftune config set guards --default", "back to the default"},
};

constexpr Example kListExamples[] = {
    {"selftune config list", "what holds, and which of it is yours"},
};

constexpr Example kPathExamples[] = {
    {"selftune config path", "the file, whether it is there or not"},
};

constexpr Example kValidateExamples[] = {
    {"selftune config validate", "after an edit by hand"},
};

}  // namespace

extern const Command kConfigListCommand = {
    .path = "config list",
    .summary = "List the settings and where each comes from",
    .group = "Data",
    .op = "config.list",
    .examples = kListExamples,
    .render = RenderValues,
};

extern const Command kConfigGetCommand = {
    .path = "config get",
    .summary = "Show one setting",
    .group = "Data",
    .op = "config.get",
    .positionals = kKey,
    .examples = kGetExamples,
    .render = RenderOne,
};

extern const Command kConfigSetCommand = {
    .path = "config set",
    .summary = "Write one setting",
    .group = "Data",
    .op = "config.set",
    .flags = kSetFlags,
    .positionals = kKeyAndValue,
    .examples = kSetExamples,
    .render = RenderSet,
};

extern const Command kConfigPathCommand = {
    .path = "config path",
    .summary = "Say where the settings are kept",
    .group = "Data",
    .op = "config.path",
    .examples = kPathExamples,
    .render = RenderPath,
    .rare = true,
};

extern const Command kConfigValidateCommand = {
    .path = "config validate",
    .summary = "Check the file of the settings",
    .group = "Data",
    .op = "config.validate",
    .examples = kValidateExamples,
    .render = RenderProblems,
    .rare = true,
};

}  // namespace selftune::cli
