// request, schema, version, help: the command itself rather than the skills.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/library.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/registry.h"
#include "cli/render.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr size_t kMaxRequestBytes = 64 << 20;

std::optional<std::string> ReadStdin() {
  std::string text;
  char chunk[1 << 16];
  for (;;) {
    const ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 ? std::optional(std::move(text)) : std::nullopt;
    text.append(chunk, static_cast<size_t>(n));
    if (text.size() > kMaxRequestBytes) return std::nullopt;
  }
}

// A request that names no client is ours: the envelope then says "request".
// What is no object at all goes to the library, which explains it.
std::string WithClient(const std::string& request) {
  const std::optional<Json> parsed = Json::Parse(request);
  if (!parsed.has_value() || !parsed->is_object() || parsed->Has("client")) return request;
  const std::string client = JsonObject()
                                 .AddText("name", "cli")
                                 .AddText("version", LibraryVersion())
                                 .AddText("command", "request")
                                 .Take();
  const size_t brace = request.find('{');
  return request.substr(0, brace + 1) + "\"client\":" + client +
         (parsed->members().empty() ? "" : ",") + request.substr(brace + 1);
}

std::string_view SchemaOf(const std::string& request) {
  const std::optional<Json> parsed = Json::Parse(request);
  const OpRow* op = parsed.has_value() ? FindOp((*parsed)["op"].Text()) : nullptr;
  return op == nullptr ? kErrorSchema : op->schema;
}

int RunRequest(const Invocation& typed) {
  Invocation invocation = typed;
  if (!invocation.args.Has("json-lines")) invocation.args.Put("json", "true");
  std::optional<std::string> request = invocation.args.Get("json-text");
  if (request == "-" && isatty(STDIN_FILENO) != 0) {
    return FinishFailure(invocation, "request", kErrorSchema,
                         UsageFailure("INVALID_REQUEST", "no command waits for what is typed",
                                      "redirect a file to it, or give the request itself"));
  }
  if (request == "-") request = ReadStdin();
  if (!request.has_value()) {
    return FinishFailure(
        invocation, "request", kErrorSchema,
        UsageFailure("INVALID_REQUEST", "reading a request from stdin failed", ""));
  }
  LibraryOptions options;
  options.home = invocation.args.Get("home").value_or("");
  options.db = invocation.args.Get("db").value_or("");
  options.verbose = invocation.args.Has("verbose");
  ProgressFn progress;
  if (invocation.args.Has("json-lines")) {
    progress = [](std::string_view event) { (void)WriteOut(std::string(event) + "\n"); };
  }
  const Answer answer = Ask(options, WithClient(*request), progress);
  if (!answer.envelope.empty()) return Finish(invocation, answer.envelope, nullptr);
  Failure failure = FailureOf(Json::Parse(answer.error).value_or(Json()));
  if (answer.signal != 0 && failure.code == "CANCELLED") failure.exit_code = 128 + answer.signal;
  return FinishFailure(invocation, "request", SchemaOf(*request), failure);
}

std::string RenderSchema(const Reply& reply, const Screen&) {
  return reply.data()["schema"].Dump() + "\n";
}

std::string RenderSchemaList(const Reply& reply, const Screen& screen) {
  Table table({{"id"}, {"kind"}, {"operation", Table::Align::kLeft, true}});
  for (const Json& row : reply.data()["schemas"].items()) {
    table.Add({{row["id"].Text()}, {row["kind"].Text()}, {row["op"].Text()}});
  }
  return table.Draw(screen);
}

std::string RenderVersion(const Reply& reply, const Screen& screen) {
  const Json& data = reply.data();
  Fields fields;
  fields.Add("selftune", data["version"].Text());
  fields.AddText("commit", data["commit"]);
  fields.AddCount("store schema", data["schema_version"]);
  fields.AddText("SQLite", data["sqlite"]);
  fields.Add("features", JoinTexts(data["features"]));
  return fields.Draw(screen);
}

int RunHelp(const Invocation& invocation) {
  const std::vector<std::string> words = invocation.args.All("command");
  if (words.size() == 1 && words[0] == "exit-codes") return ShowExitCodes(invocation);
  if (invocation.args.Has("markdown")) return ShowReference(invocation);
  if (words.empty()) return ShowOverview(invocation, invocation.args.Has("all"));
  const Match match = MatchCommand(words);
  if (match.command != nullptr && match.words == words.size()) {
    return ShowCommandHelp(invocation, *match.command);
  }
  if (words.size() == 1 && IsGroup(words[0])) return ShowGroupHelp(invocation, words[0]);
  std::vector<std::string_view> paths;
  for (const Command* command : Registered()) paths.push_back(command->path);
  const std::string typed = ShellLine(words);
  const std::string_view nearest = Nearest(typed, paths);
  return FinishFailure(
      invocation, "help", kErrorSchema,
      UsageFailure("UNKNOWN_COMMAND", "no command " + Typed(typed),
                   nearest.empty() ? "see selftune help --all"
                                   : "did you mean " + std::string(nearest) + "?"));
}

constexpr Flag kSchemaFlags[] = {
    {"list", "list the schemas", FlagType::kSwitch, {}, 0, {}, "-"},
    {"commands", "list the commands", FlagType::kSwitch, {}, 0, {}, "-"},
};
constexpr Positional kSchemaPositionals[] = {
    {"id", "as in the list, or the name of an operation", /*required=*/false},
};

int RunSchema(const Invocation& invocation) {
  if (invocation.args.Has("commands")) {
    return Finish(invocation, OwnEnvelope("schema", "selftune/commands@1", CommandsData()),
                  nullptr);
  }
  const std::optional<std::string> id = invocation.args.Get("id");
  const bool list = !id.has_value() || invocation.args.Has("list");
  LibraryOptions options;
  const std::string_view op = list ? "schema.list" : "schema.get";
  const std::string params = list ? "{}" : JsonObject().AddText("id", *id).Take();
  const Answer answer = Ask(options, RequestText(op, params, "schema", std::nullopt), nullptr);
  if (!answer.envelope.empty()) {
    return Finish(invocation, answer.envelope, list ? RenderSchemaList : RenderSchema);
  }
  return FinishFailure(invocation, "schema", FindOp(op)->schema,
                       FailureOf(Json::Parse(answer.error).value_or(Json())));
}

constexpr Example kSchemaExamples[] = {
    {"selftune schema --list", "what there is"},
    {"selftune schema selftune/version@1", "one of them"},
};

constexpr Positional kRequestPositionals[] = {
    {"json-text", "the request, or - to read it from stdin"},
};
constexpr Example kRequestExamples[] = {
    {R"(selftune request '{"op":"about.version"}')", "one raw operation"},
    {"selftune request - < request.json", "from a file"},
};

constexpr Flag kHelpFlags[] = {
    {"all", "also rarely used commands", FlagType::kSwitch},
    {"markdown", "the whole reference", FlagType::kSwitch, {}, 0, {}, {}, /*advanced=*/true},
};
constexpr Positional kHelpPositionals[] = {
    {"command", "a command, or exit-codes", /*required=*/false, /*many=*/true},
};

constexpr Example kVersionExamples[] = {
    {"selftune version", "of the command, the library and the store"},
};

constexpr Example kHelpExamples[] = {
    {"selftune help evolve", "one command"},
    {"selftune help --all", "every command"},
    {"selftune help exit-codes", "what the exit code says"},
};

}  // namespace

extern const Command kRequestCommand = {
    .path = "request",
    .summary = "Run one raw operation and print its envelope",
    .group = "Tools",
    .positionals = kRequestPositionals,
    .examples = kRequestExamples,
    .run = RunRequest,
    .rare = true,
};

extern const Command kSchemaCommand = {
    .path = "schema",
    .summary = "Print a JSON Schema",
    .group = "Tools",
    .flags = kSchemaFlags,
    .positionals = kSchemaPositionals,
    .examples = kSchemaExamples,
    .run = RunSchema,
    .rare = true,
    .verbatim = true,
};

extern const Command kVersionCommand = {
    .path = "version",
    .summary = "Show versions",
    .group = "Tools",
    .op = "about.version",
    .examples = kVersionExamples,
    .render = RenderVersion,
    .rare = true,
};

extern const Command kHelpCommand = {
    .path = "help",
    .summary = "Show help on a command",
    .group = "Tools",
    .flags = kHelpFlags,
    .positionals = kHelpPositionals,
    .examples = kHelpExamples,
    .run = RunHelp,
};

}  // namespace selftune::cli
