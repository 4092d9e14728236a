#include "dashboard/report.h"

#include <unistd.h>

#include <cstdio>

#include "cli/json.h"
#include "cli/text.h"
#include "dashboard/library.h"

namespace selftune::dashboard {
namespace {

constexpr std::string_view kSchema = "selftune/dashboard@1";

std::string Envelope(bool ok, std::string_view data, std::string_view warnings,
                     std::string_view error) {
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
      .AddRaw("next", "null")
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
    warnings +=
        (warnings.empty() ? "" : ",") +
        cli::JsonObject().AddText("code", warning.code).AddText("message", warning.message).Take();
  }
  const std::string data = cli::JsonObject()
                               .AddText("url", started.url)
                               .AddInt("port", started.port)
                               .AddInt("pid", started.pid)
                               .AddBool("reused", started.reused)
                               .AddText("version", started.version)
                               .Take();
  return Print(Envelope(true, data, "[" + warnings + "]", "null") + "\n", 0);
}

int ReportFailure(const Failure& failure, bool json) {
  std::string line = "selftune: " + failure.code + ": " + failure.message;
  if (!failure.suggestion.empty()) line += " (" + failure.suggestion + ")";
  std::fprintf(stderr, "%s\n", line.c_str());
  if (!json) return failure.exit_code;
  cli::JsonObject error;
  error.AddText("code", failure.code).AddText("message", failure.message);
  error.AddRaw("suggestion", failure.suggestion.empty() ? "null" : cli::Quote(failure.suggestion));
  error.AddBool("retryable", failure.exit_code == 7).AddInt("exit_code", failure.exit_code);
  error.AddRaw("details", "null");
  return Print(Envelope(false, "null", "[]", error.Take()) + "\n", failure.exit_code);
}

Failure FailureOf(std::string_view error_json) {
  const cli::Json error = cli::Json::Parse(error_json).value_or(cli::Json());
  return {.code = error["code"].Text(),
          .message = error["message"].Text(),
          .suggestion = error["suggestion"].Text(),
          .exit_code = static_cast<int>(error["exit_code"].Int())};
}

bool WantsJson(bool json, bool text) { return json || (!text && isatty(STDOUT_FILENO) == 0); }

}  // namespace selftune::dashboard
