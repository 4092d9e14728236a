// ingest wrap-codex: `codex exec --json` as it is, read afterwards.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/library.h"
#include "cli/output.h"
#include "cli/tee.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

// The next sync reads it anyhow: nobody waits long for another one that runs.
constexpr int64_t kPatienceMs = 3000;
constexpr size_t kMaxLine = 64 << 10;  // bytes; the line that is looked for is short

// Finds {"type":"thread.started","thread_id":"..."} in what streams by.
class ThreadId {
 public:
  void See(std::string_view bytes) {
    while (id_.empty() && !bytes.empty()) {
      const size_t end = bytes.find('\n');
      const std::string_view piece = bytes.substr(0, end);
      if (line_.size() + piece.size() <= kMaxLine) line_.append(piece);
      if (end == std::string_view::npos) return;
      Take();
      line_.clear();
      bytes.remove_prefix(end + 1);
    }
  }
  // With a last line that was not ended.
  const std::string& Done() {
    if (id_.empty()) Take();
    return id_;
  }

 private:
  void Take() {
    if (line_.find("thread.started") == std::string::npos) return;
    const auto event = Json::Parse(line_);
    if (!event.has_value() || (*event)["type"].Text() != "thread.started") return;
    id_ = (*event)["thread_id"].Text();
  }

  std::string line_, id_;
};

// Reads the session that Codex wrote. Whatever goes wrong is not Codex's affair.
void ReadSession(const Invocation& invocation, const std::string& id) {
  LibraryOptions options;
  options.home = invocation.args.Get("home").value_or("");
  options.db = invocation.args.Get("db").value_or("");
  options.verbose = invocation.args.Has("verbose");
  JsonObject params;
  params.AddTexts("only", {"codex"});
  params.AddText("session", id);
  const Answer answer = Ask(
      options, RequestText("sync.run", params.Take(), "ingest wrap-codex", kPatienceMs), nullptr);
  if (!answer.error.empty() && options.verbose) {
    const Json error = Json::Parse(answer.error).value_or(Json());
    WriteErr("selftune: " + OneLine(error["code"].Text()) + ": " +
             OneLine(error["message"].Text()) + "\n");
  }
}

int RunWrapCodex(const Invocation& invocation) {
  std::vector<std::string> argv = {"codex", "exec", "--json"};
  for (const std::string& word : invocation.args.All("words")) argv.push_back(word);
  ThreadId thread;
  const TeeEnd end = RunTee(argv, [&](std::string_view bytes) { thread.See(bytes); });
  if (!end.started) {
    Failure failure = UsageFailure("AGENT_NOT_FOUND", "there is no program codex on PATH",
                                   "install Codex, or add its folder to PATH");
    failure.exit_code = 5;
    return FinishFailure(invocation, "ingest wrap-codex", kErrorSchema, failure);
  }
  const char* const internal = std::getenv("SELFTUNE_INTERNAL");
  const bool ours = internal != nullptr && *internal != '\0' && std::string_view(internal) != "0";
  if (!thread.Done().empty() && !ours) {
    // Who reads Codex's output need not wait for us.
    const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing >= 0) {
      dup2(nothing, STDOUT_FILENO);
      close(nothing);
    }
    ReadSession(invocation, thread.Done());
  }
  return EndLike(end.status);
}

constexpr Positional kWords[] = {
    {"words", "what codex exec is given", /*required=*/false, /*many=*/true, "-"},
};
constexpr Example kExamples[] = {
    {"selftune ingest wrap-codex 'write the release notes'", "codex exec --json, and read it"},
    {"selftune ingest wrap-codex -m gpt-5 - < task.md", "with options, the prompt from a file"},
};

}  // namespace

extern const Command kIngestWrapCodexCommand = {
    .path = "ingest wrap-codex",
    .summary = "Run codex exec --json as it is, then read its session",
    .group = "Evidence",
    .positionals = kWords,
    .examples = kExamples,
    .run = RunWrapCodex,
    .rare = true,
    .passes_on = true,
};

}  // namespace selftune::cli
