#include "cli/help.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/registry.h"
#include "cli/render.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr size_t kHelpWidth = 80;
constexpr size_t kFlagWidth = 34;  // of that, at most, for flags

constexpr ExitCode kExitCodes[] = {
    {"0", "ok", "done, nothing to do, or dry run completed", "continue"},
    {"1", "failed", "the operation failed after it began", "report"},
    {"2", "blocked", "a guard, policy or budget said no; the file changed; not confirmed",
     "do not retry without a change"},
    {"3", "negative", "the check ran and its answer is bad", "read data, follow next"},
    {"4", "not initialised", "configuration or store are missing", "run next"},
    {"5", "dependency", "an agent, git or scheduler is missing; the store is newer", "install"},
    {"6", "no evidence", "nothing found, too few samples, or undecided", "sync, or wait"},
    {"7", "busy", "a lock or the database is held by another process", "wait, retry"},
    {"8", "network", "a remote refused or was not reached", "retry, or sign in again"},
    {"64", "usage", "unknown command or flag, bad value", "read the help"},
    {"70", "internal", "a bug", "report"},
    {"129/130/143", "interrupted", "SIGHUP, SIGINT or SIGTERM", ""},
};

std::string FlagText(const Flag& flag) {
  std::string out = flag.letter != 0 ? std::string("-") + flag.letter + ", " : std::string("    ");
  out += "--" + std::string(flag.name);
  if (!flag.also.empty()) out += ", --" + std::string(flag.also);
  return out + ValueOf(flag);
}

std::string FlagLines(const std::vector<Flag>& flags, size_t columns) {
  size_t widest = 0;
  for (const Flag& flag : flags) widest = std::max(widest, Width(FlagText(flag)));
  widest = std::min(widest, kFlagWidth * columns / kHelpWidth);
  std::string out;
  for (const Flag& flag : flags) {
    const std::string head = "  " + FlagText(flag);
    const std::vector<std::string> lines = Wrap(flag.help, columns - widest - 4);
    const bool below = Width(head) > widest + 2;
    out += below ? head + "\n" : PadRight(head, widest + 4);
    for (size_t i = 0; i < lines.size(); ++i) {
      out += (i > 0 || below ? std::string(widest + 4, ' ') : "") + lines[i] + "\n";
    }
    if (lines.empty()) out += "\n";
  }
  return out;
}

// The same for everybody, but for who looks at it on a narrow terminal.
size_t HelpWidth(const Invocation& invocation) {
  const Screen screen = ScreenOf(invocation.args);
  const bool looks = screen.folds && ModeOf(invocation.args) == OutputMode::kText;
  return looks ? std::min(screen.width, kHelpWidth) : kHelpWidth;
}

std::string CommandText(const Command& command, size_t columns) {
  std::string out = std::string(command.path) + ": " + std::string(command.summary) + "\n\n";
  out += "Usage: " + UsageLine(command) + "\n";
  if (!command.alias_of.empty())
    out += "Alias of: selftune " + std::string(command.alias_of) + "\n";
  if (!command.examples.empty()) {
    out += "\nExamples:\n";
    size_t widest = 0;
    for (const Example& example : command.examples) widest = std::max(widest, Width(example.line));
    for (const Example& example : command.examples) {
      out += "  " + PadRight(example.line, widest) + "   # " + std::string(example.what) + "\n";
    }
  }
  if (!command.positionals.empty()) {
    out += "\nArguments:\n";
    for (const Positional& positional : command.positionals) {
      out += "  " + PadRight("<" + std::string(positional.name) + ">", 16) +
             std::string(positional.help) + "\n";
    }
  }
  std::vector<Flag> common;
  std::vector<Flag> advanced;
  for (const Flag& flag : OwnFlags(command)) (flag.advanced ? advanced : common).push_back(flag);
  for (const Flag& flag : ExtraFlags(command)) common.push_back(flag);
  if (!common.empty()) out += "\nFlags:\n" + FlagLines(common, columns);
  if (!advanced.empty()) out += "\nAdvanced:\n" + FlagLines(advanced, columns);
  std::vector<Flag> global;
  for (const Flag& flag : GlobalFlags()) {
    if (!HasOwnFlag(command, flag.name)) global.push_back(flag);
  }
  out += "\nGlobal:\n" + FlagLines(global, columns);
  out += "\nExit codes: selftune help exit-codes\n";
  std::string also;
  const std::string_view first = command.path.substr(0, command.path.find(' '));
  for (const Command* other : Registered()) {
    if (other == &command || other->path.substr(0, other->path.find(' ')) != first) continue;
    also += (also.empty() ? "" : ", ") + ("selftune " + std::string(other->path));
  }
  if (!also.empty()) out += "See also: " + also + "\n";
  return out;
}

std::string ParamJson(std::string_view param, std::string_view name) {
  const std::string text = ParamName(param, name);
  return text.empty() ? "null" : Quote(text);
}

std::string FlagJson(const Flag& flag) {
  constexpr std::string_view kTypes[] = {"text", "int", "number", "list", "switch"};
  std::vector<std::string> choices(flag.choices.begin(), flag.choices.end());
  return JsonObject()
      .AddText("name", flag.name)
      .AddRaw("letter", flag.letter == 0 ? "null" : Quote(std::string_view(&flag.letter, 1)))
      .AddRaw("also", flag.also.empty() ? "null" : Quote(flag.also))
      .AddText("type", kTypes[static_cast<size_t>(flag.type)])
      .AddTexts("choices", choices)
      .AddText("help", flag.help)
      .AddRaw("param", ParamJson(flag.param, flag.name))
      .Take();
}

bool TakesFlag(const Command& command, std::string_view name) {
  const std::vector<Flag> flags = ExtraFlags(command);
  return std::any_of(flags.begin(), flags.end(), [&](const Flag& f) { return f.name == name; });
}

std::string CommandJson(const Command& command) {
  const OpRow* op = FindOp(command.op);
  std::string flags;
  for (const Flag& flag : OwnFlags(command)) flags += (flags.empty() ? "" : ",") + FlagJson(flag);
  for (const Flag& flag : ExtraFlags(command)) flags += (flags.empty() ? "" : ",") + FlagJson(flag);
  std::string positionals;
  for (const Positional& positional : command.positionals) {
    positionals += (positionals.empty() ? "" : ",") +
                   JsonObject()
                       .AddText("name", positional.name)
                       .AddText("help", positional.help)
                       .AddBool("required", positional.required)
                       .AddBool("many", positional.many)
                       .AddTexts("choices", {positional.choices.begin(), positional.choices.end()})
                       .AddRaw("param", ParamJson(positional.param, positional.name))
                       .Take();
  }
  std::vector<std::string> ops;
  if (op != nullptr) ops.emplace_back(op->name);
  for (const Variant& variant : command.variants) {
    if (FindOp(variant.op) != nullptr) ops.emplace_back(variant.op);
  }
  JsonObject out;
  out.AddText("path", command.path).AddText("summary", command.summary);
  out.AddRaw("group", command.group.empty() ? "null" : Quote(command.group));
  out.AddTexts("ops", ops);
  out.AddRaw("schema", op == nullptr ? "null" : Quote(op->schema));
  out.AddRaw("alias_of", command.alias_of.empty() ? "null" : Quote(command.alias_of));
  out.AddBool("dry_run", TakesFlag(command, "dry-run"))
      .AddBool("confirm", TakesFlag(command, "yes"));
  out.AddRaw("flags", "[" + flags + "]").AddRaw("positionals", "[" + positionals + "]");
  std::string examples;
  for (const Example& example : command.examples) {
    examples += (examples.empty() ? "" : ",") +
                JsonObject().AddText("line", example.line).AddText("what", example.what).Take();
  }
  out.AddRaw("examples", "[" + examples + "]");
  return out.Take();
}

std::string CommandsJson(const std::vector<const Command*>& commands) {
  std::string list;
  for (const Command* command : commands) list += (list.empty() ? "" : ",") + CommandJson(*command);
  return "[" + list + "]";
}

std::string HelpData(const std::string& text, const std::vector<const Command*>& commands) {
  return JsonObject().AddText("text", text).AddRaw("commands", CommandsJson(commands)).Take();
}

std::string RenderText(const Reply& reply, const Screen&) { return reply.data()["text"].Text(); }

int Show(const Invocation& invocation, const std::string& text,
         const std::vector<const Command*>& commands) {
  return Finish(invocation, OwnEnvelope("help", "selftune/help@1", HelpData(text, commands)),
                RenderText);
}

std::string CommandList(const std::vector<const Command*>& commands) {
  size_t widest = 0;
  for (const Command* command : commands) widest = std::max(widest, command->path.size());
  std::string out;
  for (const Command* command : commands) {
    out += "  " + PadRight(command->path, widest + 3) + std::string(command->summary) + "\n";
  }
  return out;
}

std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string FlagTable(const std::vector<Flag>& flags) {
  std::string out = "| Flag | Meaning |\n|---|---|\n";
  for (const Flag& flag : flags) {
    const std::string text = FlagText(flag);
    out +=
        "| `" + Cell(text.substr(text.find_first_not_of(' '))) + "` | " + Cell(flag.help) + " |\n";
  }
  return out + "\n";
}

std::string ReferenceOf(const Command& command) {
  std::string out = "### selftune " + std::string(command.path) + "\n\n";
  out += std::string(command.summary) + ".";
  if (!command.op.empty()) {
    out += " Operation [`" + std::string(command.op) + "`](operations.md), reply `" +
           std::string(FindOp(command.op)->schema) + "`.";
  }
  if (!command.alias_of.empty())
    out += " Alias of `selftune " + std::string(command.alias_of) + "`.";
  out += "\n\n    " + UsageLine(command) + "\n";
  for (const Example& example : command.examples) {
    out += "    " + std::string(example.line) + "   # " + std::string(example.what) + "\n";
  }
  out += "\n";
  std::vector<Flag> flags = OwnFlags(command);
  for (const Flag& flag : ExtraFlags(command)) flags.push_back(flag);
  for (const Positional& positional : command.positionals) {
    out += "* `<" + std::string(positional.name) + ">` " + std::string(positional.help) + "\n";
  }
  if (!command.positionals.empty()) out += "\n";
  return flags.empty() ? out : out + FlagTable(flags);
}

}  // namespace

std::span<const ExitCode> ExitCodes() { return kExitCodes; }

std::string ValueOf(const Flag& flag) {
  if (flag.type == FlagType::kSwitch) return "";
  if (!flag.choices.empty()) {
    std::string out;
    for (const std::string_view choice : flag.choices)
      out += (out.empty() ? " " : "|") + std::string(choice);
    return out;
  }
  if (!flag.value.empty()) return " <" + std::string(flag.value) + ">";
  switch (flag.type) {
    case FlagType::kInt:
      return " <n>";
    case FlagType::kNumber:
      return " <x>";
    case FlagType::kList:
      return " <a,b>";
    default:
      return " <text>";
  }
}

std::string UsageLine(const Command& command) {
  std::string out = "selftune " + std::string(command.path);
  for (const Positional& positional : command.positionals) {
    const std::string name =
        "<" + std::string(positional.name) + ">" + (positional.many ? "..." : "");
    out += positional.required ? " " + name : " [" + name + "]";
  }
  return out + " [flags]";
}

std::string CommandsData() {
  std::string flags;
  for (const Flag& flag : GlobalFlags()) flags += (flags.empty() ? "" : ",") + FlagJson(flag);
  return JsonObject()
      .AddRaw("commands", CommandsJson(Registered()))
      .AddRaw("flags", "[" + flags + "]")
      .Take();
}

bool IsGroup(std::string_view word) {
  return std::any_of(Registered().begin(), Registered().end(), [word](const Command* command) {
    return command->path.starts_with(std::string(word) + " ");
  });
}

int ShowCommandHelp(const Invocation& invocation, const Command& command) {
  return Show(invocation, CommandText(command, HelpWidth(invocation)), {&command});
}

int ShowGroupHelp(const Invocation& invocation, std::string_view word) {
  std::vector<const Command*> commands;
  for (const Command* command : Registered()) {
    if (command->path == word || command->path.starts_with(std::string(word) + " ")) {
      commands.push_back(command);
    }
  }
  return Show(invocation, "selftune " + std::string(word) + "\n\n" + CommandList(commands),
              commands);
}

int ShowOverview(const Invocation& invocation, bool all) {
  std::string text =
      "selftune: watches how agents use their skills and improves the descriptions.\n\n"
      "Usage: selftune <command> [flags]\n";
  std::vector<const Command*> shown;
  const auto add = [&](std::string_view title, std::string_view group) {
    std::vector<const Command*> commands;
    for (const Command* command : Registered()) {
      if (command->group == group && (all || !command->rare)) commands.push_back(command);
    }
    if (commands.empty()) return;
    text += "\n" + std::string(title) + ":\n" + CommandList(commands);
    shown.insert(shown.end(), commands.begin(), commands.end());
  };
  for (const std::string_view group : kGroups) add(group, group);
  if (all) add("More", "");
  text += "\nselftune <command> --help shows flags and examples";
  text += all ? ".\n" : "; selftune help --all lists every command.\n";
  return Show(invocation, text, shown);
}

int ShowExitCodes(const Invocation& invocation) {
  std::string text = "Exit codes:\n";
  size_t width = 0;
  for (const ExitCode& code : kExitCodes) width = std::max(width, code.code.size());
  for (const ExitCode& code : kExitCodes) {
    text +=
        "  " + PadRight(code.code, width + 2) + PadRight(code.name, 17) + std::string(code.meaning);
    text += (code.reaction.empty() ? "" : " -> " + std::string(code.reaction)) + "\n";
  }
  return Show(invocation, text, {});
}

int ShowReference(const Invocation& invocation) {
  std::string text =
      "# Commands\n\n<!-- Generated by tools/gen_ops.py from the command registry; do not edit. "
      "-->\n\n"
      "Output is text on a terminal and one JSON envelope elsewhere; `--json` and `--text` "
      "decide.\n\n"
      "## Global flags\n\n";
  const auto global = GlobalFlags();
  text += FlagTable({global.begin(), global.end()});
  text += "## Exit codes\n\n| Code | Name | Meaning | Reaction |\n|---|---|---|---|\n";
  for (const ExitCode& code : kExitCodes) {
    text += "| " + std::string(code.code) + " | " + std::string(code.name) + " | " +
            std::string(code.meaning) + " | " + std::string(code.reaction) + " |\n";
  }
  text += "\n## Commands\n\n";
  for (const Command* command : Registered()) text += ReferenceOf(*command);
  while (text.ends_with("\n\n")) text.pop_back();
  return Show(invocation, text, Registered());
}

}  // namespace selftune::cli
