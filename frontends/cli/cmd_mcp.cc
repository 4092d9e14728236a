// mcp: the operations as tools of other programs.
#include <unistd.h>

#include "cli/commands.h"
#include "cli/mcp/server.h"
#include "cli/output.h"

namespace selftune::cli {
namespace {

constexpr Flag kFlags[] = {
    {"allow-write", "also tools that write or call a model", FlagType::kSwitch},
    {"all-tools", "a tool for every operation, not only for the usual ones", FlagType::kSwitch},
};
constexpr Example kExamples[] = {
    {"claude mcp add selftune -- selftune mcp", "as a server of Claude Code"},
    {"selftune mcp --allow-write", "what another client starts, to sync and to deploy too"},
};

int RunMcp(const Invocation& invocation) {
  if (isatty(STDIN_FILENO) != 0) {
    return FinishFailure(
        invocation, "mcp", kErrorSchema,
        UsageFailure("INVALID_REQUEST", "mcp reads the messages of a client from stdin",
                     "let a client start it, such as: claude mcp add selftune -- selftune mcp"));
  }
  mcp::ServerOptions options;
  options.library.home = invocation.args.Get("home").value_or("");
  options.library.db = invocation.args.Get("db").value_or("");
  options.library.verbose = invocation.args.Has("verbose");
  options.tools = {.allow_write = invocation.args.Has("allow-write"),
                   .all = invocation.args.Has("all-tools")};
  const mcp::ServerEnd end = mcp::Serve(options);
  if (!end.error.empty()) {
    return FinishFailure(invocation, "mcp", kErrorSchema,
                         FailureOf(Json::Parse(end.error).value_or(Json())));
  }
  if (end.signal != 0) return 128 + end.signal;
  return end.unheard ? 1 : 0;
}

}  // namespace

extern const Command kMcpCommand = {
    .path = "mcp",
    .summary = "Serve the operations to a client of the Model Context Protocol",
    .group = "Tools",
    .flags = kFlags,
    .examples = kExamples,
    .run = RunMcp,
    .rare = true,
};

}  // namespace selftune::cli
