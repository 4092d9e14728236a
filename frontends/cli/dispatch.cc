#include "cli/dispatch.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "cli/complete.h"
#include "cli/fold.h"
#include "cli/help.h"
#include "cli/library.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/registry.h"
#include "cli/render.h"
#include "cli/repeat.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr int64_t kOftenest = 1000;  // of --watch, in milliseconds; and a day
constexpr int64_t kRarest = 86'400'000;

const Flag* FindGlobal(std::string_view word) {
  const std::string_view name = word.substr(0, word.find('='));
  for (const Flag& flag : GlobalFlags()) {
    if (name == "--" + std::string(flag.name)) return &flag;
    if (flag.letter != 0 && name == std::string("-") + flag.letter) return &flag;
  }
  return nullptr;
}

// Global flags may stand before the command: `selftune --json status`.
struct SplitLine {
  std::vector<std::string> flags;  // before the first word
  std::vector<std::string> words;  // from the first word on
};

SplitLine SplitGlobals(const std::vector<std::string>& argv) {
  SplitLine line;
  size_t at = 1;
  while (at < argv.size() && argv[at].size() > 1 && argv[at][0] == '-') {
    const std::string& word = argv[at++];
    line.flags.push_back(word);
    const Flag* flag = FindGlobal(word);
    const bool takes_next =
        flag != nullptr && flag->type != FlagType::kSwitch && word.find('=') == std::string::npos;
    if (takes_next && at < argv.size()) line.flags.push_back(argv[at++]);
  }
  line.words.assign(argv.begin() + static_cast<std::ptrdiff_t>(at), argv.end());
  return line;
}

bool Contains(const std::vector<std::string>& words, std::string_view word) {
  for (const std::string& each : words) {
    if (each == word) return true;
  }
  return false;
}

// What only reads may be asked for with --dry-run, and needs none.
std::string WithConfirmation(std::string params, const Invocation& invocation, const OpRow& op) {
  params.pop_back();
  for (const std::string_view flag : {"dry-run", "yes"}) {
    if (!invocation.args.Has(flag) || !Takes(op, ParamName({}, flag))) continue;
    if (params.size() > 1) params += ',';
    params += flag == "yes" ? "\"yes\":true" : "\"dry_run\":true";
  }
  if (const auto plan = invocation.args.Get("plan"); plan.has_value() && Takes(op, "plan_id")) {
    if (params.size() > 1) params += ',';
    params += "\"plan_id\":" + Quote(*plan);
  }
  return params + "}";
}

// A flag or argument that was given and that `op` has no parameter for.
std::string Misfit(const Command& command, const Args& args, const OpRow& op) {
  if (command.params != nullptr) return "";
  for (const Flag& flag : command.flags) {
    const std::string param = ParamName(flag.param, flag.name);
    if (args.Has(flag.name) && !param.empty() && !Takes(op, param)) {
      return "--" + std::string(flag.name);
    }
  }
  for (const Positional& positional : command.positionals) {
    const std::string param = ParamName(positional.param, positional.name);
    if (args.Has(positional.name) && !param.empty() && !Takes(op, param)) {
      return "<" + std::string(positional.name) + ">";
    }
  }
  return "";
}

// A flag that `op` cannot do without and that was not given.
std::string MissingFlag(const Command& command, const Args& args, const OpRow& op) {
  if (command.params != nullptr) return "";
  for (const Flag& flag : command.flags) {
    const std::string param = ParamName(flag.param, flag.name);
    if (param.empty() || args.Has(flag.name)) continue;
    if (op.required.find(" " + param + " ") != std::string_view::npos) {
      return "--" + std::string(flag.name);
    }
  }
  return "";
}

// What the flags make of a command.
struct Target {
  const OpRow* op = nullptr;
  RenderFn render = nullptr;
};

Target TargetOf(const Command& command, const Args& args) {
  for (const Variant& variant : command.variants) {
    if (!args.Has(variant.flag)) continue;
    const OpRow* op = FindOp(variant.op);
    // A flag with a value is also a filter of the command itself: it makes a
    // variant only where nothing else was asked for that the variant lacks.
    const bool filter = op == nullptr || Takes(*op, ParamName({}, variant.flag));
    if (filter && (op == nullptr || !Misfit(command, args, *op).empty())) continue;
    return {op, variant.render};
  }
  return {FindOp(command.op), command.render};
}

struct LibraryCall {
  LibraryOptions options;
  std::string code = "INVALID_FLAG";
  std::string problem;  // with the flags; "" = none
};

LibraryCall CallOf(const Invocation& invocation, const Target& target) {
  LibraryCall call;
  call.options.home = invocation.args.Get("home").value_or("");
  if (!HasOwnFlag(*invocation.command, "db")) {
    call.options.db = invocation.args.Get("db").value_or("");
  }
  call.options.verbose = invocation.args.Has("verbose");
  if (const std::string misfit = Misfit(*invocation.command, invocation.args, *target.op);
      !misfit.empty()) {
    call.problem = misfit + " does not go with the other flags";
  } else if (const std::string missing =
                 MissingFlag(*invocation.command, invocation.args, *target.op);
             !missing.empty()) {
    call.code = "MISSING_FLAG";
    call.problem = std::string(invocation.command->path) + " needs " + missing;
  } else if (const auto timeout = invocation.args.Get("timeout")) {
    call.options.deadline_ms = ParseDuration(*timeout);
    if (!call.options.deadline_ms.has_value()) {
      call.problem = "--timeout takes a time such as 30s or 5m, not " + Typed(*timeout);
    }
  }
  if (const auto every = invocation.args.Get("watch"); every && invocation.command->repeats) {
    const std::optional<int64_t> ms = ParseDuration(*every);
    if (!ms.has_value() || *ms < kOftenest || *ms > kRarest) {
      call.problem = "--watch takes seconds from 1 on, 5 or 1m, not " + Typed(*every);
    }
  }
  return call;
}

std::vector<std::string> HelpOf(const Command& command) {
  std::vector<std::string> argv = {"selftune", "help", ""};
  for (const char c : command.path) {
    if (c == ' ') {
      argv.emplace_back();
    } else {
      argv.back() += c;
    }
  }
  return argv;
}

Failure Misused(const Command& command, const LibraryCall& call) {
  Failure failure = UsageFailure(call.code, call.problem, "see its help");
  failure.next_argv = HelpOf(command);
  return failure;
}

// Schemas are for programs: who typed a command reads its help.
Failure ReadFailure(const Command& command, const Answer& answer) {
  Failure failure = FailureOf(Json::Parse(answer.error).value_or(Json()));
  if (failure.next_argv == std::vector<std::string>{"selftune", "schema", "--list"}) {
    failure.next_argv = HelpOf(command);
    const std::string& told = failure.suggestion;
    const bool words = told.starts_with("did you mean ") || told.starts_with("known are ");
    if (!words) failure.suggestion = "see its help";
  }
  return failure;
}

// The line as it was typed, for the plan as it is now instead of one that was shown before.
std::vector<std::string> PlanAgain(const Invocation& invocation) {
  std::vector<std::string> out = {"selftune"};
  for (size_t i = 1; i < invocation.argv.size(); ++i) {
    const std::string& word = invocation.argv[i];
    if (word == "--plan") ++i;
    if (word == "--yes" || word == "--plan" || word.starts_with("--plan=")) continue;
    out.push_back(word);
  }
  out.emplace_back("--dry-run");
  return out;
}

Failure FailureTold(const Invocation& invocation, const Answer& answer) {
  Failure failure = ReadFailure(*invocation.command, answer);
  if (answer.signal != 0 && failure.code == "CANCELLED") failure.exit_code = 128 + answer.signal;
  if (failure.code == "CONFIRMATION_REQUIRED") {
    failure.next_argv = invocation.argv;
    failure.next_argv[0] = "selftune";
    failure.next_argv.emplace_back("--yes");
  }
  const bool asks_again = failure.next_argv.size() > 1 && failure.next_argv[1] == "request";
  if (failure.code == "CONFLICTED" && asks_again && invocation.args.Has("plan")) {
    failure.next_argv = PlanAgain(invocation);
    failure.suggestion = "look at the plan again with --dry-run";
  }
  return failure;
}

// What is not confirmed and could not be done anyway fails for that reason: the
// next step would be no use. A plan that takes long is not made for it.
std::optional<Failure> WhyNot(const Invocation& invocation, const OpRow& op,
                              const LibraryOptions& options, std::string params) {
  if (op.flags.find('J') != std::string_view::npos) return std::nullopt;
  params.pop_back();
  params += params.size() > 1 ? ",\"dry_run\":true}" : "\"dry_run\":true}";
  const Answer plan =
      Ask(options, RequestText(op.name, params, invocation.command->path, options.deadline_ms),
          nullptr);
  if (plan.error.empty()) return std::nullopt;
  return ReadFailure(*invocation.command, plan);
}

struct Called {
  const Target& target;
  const LibraryCall& call;
  std::string params;
};

// Asks once; a failure is an envelope as well.
Look LookAt(const Invocation& invocation, const Called& called, const LibraryOptions& options) {
  const Command& command = *invocation.command;
  const OpRow& op = *called.target.op;
  const OutputMode mode = ModeOf(invocation.args);
  ProgressLine line(invocation.args, mode);
  ProgressFn progress;
  if (mode == OutputMode::kJsonLines) {
    progress = [](std::string_view event) { (void)WriteOut(std::string(event) + "\n"); };
  } else if (line.active()) {
    progress = [&line](std::string_view event) { line.Show(event); };
  }
  const Answer answer = Ask(
      options, RequestText(op.name, called.params, command.path, options.deadline_ms), progress);
  line.Clear();
  if (!answer.envelope.empty()) {
    return {.envelope = answer.envelope, .render = called.target.render, .signal = answer.signal};
  }
  Failure failure = FailureTold(invocation, answer);
  if (failure.code == "CONFIRMATION_REQUIRED") {
    failure = WhyNot(invocation, op, options, called.params).value_or(failure);
  }
  return {
      .envelope = FailureEnvelope(command.path, op.schema, failure, invocation.args.Has("dry-run")),
      .signal = answer.signal};
}

// What --watch makes of it: --timeout is of the whole then.
int LookAgain(const Invocation& invocation, const Called& called) {
  const std::optional<int64_t> every = ParseDuration(*invocation.args.Get("watch"));
  LibraryOptions options = called.call.options;
  const std::optional<int64_t> whole = std::exchange(options.deadline_ms, std::nullopt);
  return ShowAgain(invocation, {.every_ms = every.value_or(0), .for_ms = whole},
                   [&] { return LookAt(invocation, called, options); });
}

int RunOperation(const Invocation& invocation) {
  const Command& command = *invocation.command;
  const Target target = TargetOf(command, invocation.args);
  if (target.op == nullptr) {
    return FinishFailure(invocation, command.path, kErrorSchema,
                         UsageFailure("INVALID_FLAG", "this version cannot do that", ""));
  }
  const LibraryCall call = CallOf(invocation, target);
  if (!call.problem.empty()) {
    return FinishFailure(invocation, command.path, std::string(target.op->schema),
                         Misused(command, call));
  }
  const Called called{
      target, call,
      WithConfirmation(command.params != nullptr ? command.params(invocation.args)
                                                 : ParamsByName(command, invocation.args),
                       invocation, *target.op)};
  if (command.threads) AllocateApart();
  if (command.repeats && invocation.args.Has("watch")) return LookAgain(invocation, called);
  const Look look = LookAt(invocation, called, call.options);
  return Finish(invocation, look.envelope, look.render);
}

int UnknownCommand(const Invocation& invocation, const std::vector<std::string>& words) {
  std::vector<std::string_view> names;
  std::vector<std::string_view> paths;
  std::vector<std::string_view> below;
  for (const Command* command : Registered()) {
    paths.push_back(command->path);
    const std::string_view first = command->path.substr(0, command->path.find(' '));
    names.push_back(command->path);
    names.push_back(first);
    if (first == words[0] && first != command->path) below.push_back(command->path);
  }
  if (!below.empty()) {
    std::string known;
    for (const std::string_view path : below)
      known += (known.empty() ? "" : ", ") + std::string(path);
    const std::string typed = words.size() > 1 ? words[0] + " " + words[1] : words[0];
    // Of any group: skill and skills are two.
    const std::string_view nearest = Nearest(typed, paths);
    const std::string meant =
        nearest.empty() ? "" : "did you mean selftune " + std::string(nearest) + "? ";
    return FinishFailure(
        invocation, words[0], kErrorSchema,
        UsageFailure("UNKNOWN_COMMAND", "no command " + Typed(typed), meant + "there is " + known));
  }
  const std::string two = words.size() > 1 ? words[0] + " " + words[1] : words[0];
  std::string_view nearest = Nearest(two, names);
  if (nearest.empty()) nearest = Nearest(words[0], names);
  Failure failure =
      UsageFailure("UNKNOWN_COMMAND", "no command " + Typed(words[0]),
                   nearest.empty() ? "see selftune --help"
                                   : "did you mean selftune " + std::string(nearest) + "?");
  failure.next_argv = {"selftune", "--help"};
  return FinishFailure(invocation, Shorten(Typed(words[0]), 64), kErrorSchema, failure);
}

// What only the global flags of a line say, for lines without a command.
Args GlobalArgs(const std::vector<std::string>& argv) {
  Args args;
  for (const Flag& flag : GlobalFlags()) {
    if (flag.type == FlagType::kSwitch && Contains(argv, "--" + std::string(flag.name))) {
      args.Put(flag.name, "true");
    }
  }
  return args;
}

// Whether a line would run, for texts that name it. Says nothing if so.
constexpr std::string_view kParseCommand = "__parse";

int OnlyParse(const Invocation& invocation) {
  const Command& command = *invocation.command;
  if (command.run != nullptr) return 0;
  const Target target = TargetOf(command, invocation.args);
  const LibraryCall call = target.op == nullptr ? LibraryCall{.options = {}, .problem = "unknown"}
                                                : CallOf(invocation, target);
  if (call.problem.empty()) return 0;
  return FinishFailure(invocation, command.path, kErrorSchema, Misused(command, call));
}

int Run(const std::vector<std::string>& argv, bool only_parse);

}  // namespace

int Dispatch(const std::vector<std::string>& argv) {
  if (argv.size() > 1 && argv[1] == kCompleteCommand) {
    return Complete({argv.begin() + 2, argv.end()});
  }
  if (argv.size() > 1 && argv[1] == kParseCommand) {
    std::vector<std::string> rest = argv;
    rest.erase(rest.begin() + 1);
    return Run(rest, /*only_parse=*/true);
  }
  return Run(argv, /*only_parse=*/false);
}

namespace {

bool AsksForHelp(const std::vector<std::string>& words) {
  return words.size() == 1 && (words[0] == "--help" || words[0] == "-h");
}

int Run(const std::vector<std::string>& argv, bool only_parse) {
  const SplitLine line = SplitGlobals(argv);
  Invocation invocation;
  invocation.argv = argv;
  const bool help = Contains(line.flags, "--help") || Contains(line.flags, "-h");
  std::vector<std::string> words = line.words;
  if (words.empty() && Contains(line.flags, "--version")) words = {"version"};
  if (words.empty()) words = {help || FindCommand("status") == nullptr ? "help" : "status"};

  const Match match = MatchCommand(words);
  if (match.command == nullptr) {
    invocation.args = GlobalArgs(argv);
    if (invocation.args.Has("help") && IsGroup(words[0])) {
      invocation.command = FindCommand("help");
      return ShowGroupHelp(invocation, words[0]);
    }
    return UnknownCommand(invocation, words);
  }
  invocation.command = match.command;
  std::vector<std::string> rest;
  for (const std::string& flag : line.flags) {
    const bool taken =
        line.words.empty() && (flag == "--version" || (help && (flag == "--help" || flag == "-h")));
    if (!taken) rest.push_back(flag);
  }
  std::vector<std::string> own(words.begin() + static_cast<std::ptrdiff_t>(match.words),
                               words.end());
  const bool passed_on = match.command->passes_on && !AsksForHelp(own);
  if (!passed_on) rest.insert(rest.end(), own.begin(), own.end());

  ParsedLine parsed = ParseLine(*match.command, rest);
  if (passed_on) {
    if (!own.empty() && own[0] == "--") own.erase(own.begin());
    for (std::string& word : own) parsed.args.Put("words", std::move(word));
  }
  invocation.args = std::move(parsed.args);
  if (parsed.error.has_value()) {
    invocation.args = GlobalArgs(argv);
    const OpRow* op = FindOp(match.command->op);
    Failure failure =
        UsageFailure(parsed.error->code, parsed.error->message, parsed.error->suggestion);
    failure.next_argv = HelpOf(*match.command);
    return FinishFailure(invocation, match.command->path, op != nullptr ? op->schema : kErrorSchema,
                         failure);
  }
  if (only_parse) return OnlyParse(invocation);
  if (invocation.args.Has("help")) return ShowCommandHelp(invocation, *match.command);
  if (invocation.args.Has("version")) {
    invocation.command = FindCommand("version");
    return RunOperation(invocation);
  }
  if (match.command->run != nullptr) return match.command->run(invocation);
  return RunOperation(invocation);
}

}  // namespace
}  // namespace selftune::cli
