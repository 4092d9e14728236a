#include "dashboard/report.h"

#include <unistd.h>

#include <cstdio>

#include "cli/error_next.gen.h"
#include "cli/json.h"
#include "cli/text.h"
#include "dashboard/library.h"

namespace selftune::dashboard {
namespace {

constexpr std::string_view kSchema = "selftune/dashboard@1";

std::string Envelope(bool ok, std::string_view data, std::string_view warnings,
                     std::string_view next, std::string_view error) {
  return cli::JsonObject()
      .AddText("schema", kSchema)
      .AddBool("ok", ok)
      .AddText("command", "dashboard")
      .AddText("selftune_version", Library::version())
      .AddText("generated_at", cli::UtcNow())
      .AddBool("dry_run", false)
      .AddBool("changed", false)
      .AddRaw("data", data)
      .AddRaw("warnings", warnings)
      .AddRaw("next", next)
      .AddRaw("error", error)
      .Take();
}

int Print(std::string_view text, int code) {
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  return std::fflush(stdout) == 0 && whole ? code : 1;
}

std::string StartedText(const Started& started) {
  std::string out = started.reused ? "The dashboard runs already" : "The dashboard runs";
  out += " (process " + std::to_string(started.pid) + ").\n\n  " + started.url + "\n\n";
  out += "The link works once, within a minute; selftune dashboard gives a new one.\n";
  if (!started.reused) out += "Ctrl-C ends it.\n";
  for (const Warning& warning : started.warnings) out += "Note: " + warning.message + "\n";
  return out;
}

}  // namespace

int ReportStarted(const Started& started, bool json) {
  if (!json) return Print(StartedText(started), 0);
  std::string warnings;
  for (const Warning& warning : started.warnings) {
    warnings += (warnings.empty() ? "" : ",") + cli::JsonObject()
                                                    .AddText("code", warning.code)
                                                    .AddText("message", warning.message)
                                                    .AddRaw("next", "null")
                                                    .Take();
  }
  const std::string data = cli::JsonObject()
                               .AddText("url", started.url)
                               .AddInt("port", started.port)
                               .AddInt("pid", started.pid)
                               .AddBool("reused", started.reused)
                               .AddText("version", started.version)
                               .Take();
  return Print(Envelope(true, data, "[" + warnings + "]", "null", "null") + "\n", 0);
}

int ReportFailure(const Failure& told, bool json) {
  const cli::ErrorNext& usual = cli::FindErrorNext(told.code);
  Failure failure = told;
  if (failure.suggestion.empty()) failure.suggestion = usual.text;
  if (failure.next_argv.empty()) failure.next_argv = usual.argv();
  const std::string command = cli::ShellLine(failure.next_argv);
  const std::string line = "selftune: " + failure.code + ": " + failure.message + " (" +
                           failure.suggestion + "); next: " + command;
  std::fprintf(stderr, "%s\n", line.c_str());
  if (!json) return failure.exit_code;
  cli::JsonObject error;
  error.AddText("code", failure.code).AddText("message", failure.message);
  error.AddText("suggestion", failure.suggestion);
  error.AddBool("retryable", failure.exit_code == 7).AddInt("exit_code", failure.exit_code);
  error.AddRaw("details", "null");
  const std::string next = cli::JsonObject()
                               .AddText("command", command)
                               .AddTexts("argv", failure.next_argv)
                               .AddText("reason", failure.suggestion)
                               .AddBool("blocking", true)
                               .AddRaw("alternatives", "[]")
                               .Take();
  return Print(Envelope(false, "null", "[]", next, error.Take()) + "\n", failure.exit_code);
}

Failure FailureOf(std::string_view error_json) {
  const cli::Json error = cli::Json::Parse(error_json).value_or(cli::Json());
  Failure failure = {.code = error["code"].Text(),
                     .message = error["message"].Text(),
                     .suggestion = error["suggestion"].Text(),
                     .exit_code = static_cast<int>(error["exit_code"].Int())};
  for (const cli::Json& word : error["next"]["argv"].items()) {
    failure.next_argv.push_back(word.Text());
  }
  return failure;
}

bool WantsJson(bool json, bool text) { return json || (!text && isatty(STDOUT_FILENO) == 0); }

}  // namespace selftune::dashboard
