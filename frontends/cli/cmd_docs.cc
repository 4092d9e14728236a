// completions, man: what is installed beside the command.
#include "cli/commands.h"
#include "cli/completion_scripts.h"
#include "cli/man.h"
#include "cli/output.h"
#include "cli/render.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr std::string_view kShells[] = {"bash", "zsh", "fish", "powershell"};

std::string_view ScriptOf(std::string_view shell) {
  if (shell == "bash") return kBashScript;
  if (shell == "powershell") return kPowerShellScript;
  return shell == "zsh" ? kZshScript : kFishScript;
}

// A shell reads what is printed, so it is the bare script unless JSON is asked for.
int RunCompletions(const Invocation& typed) {
  const std::string shell = typed.args.Get("shell").value_or("");
  const std::string_view script = ScriptOf(shell);
  if (!typed.args.Has("json") && !typed.args.Has("json-lines")) {
    if (WriteOut(script)) return 0;
    WriteErr("selftune: WRITE_FAILED: writing to stdout\n");
    return 1;
  }
  const std::string data = JsonObject().AddText("shell", shell).AddText("script", script).Take();
  return Finish(typed, OwnEnvelope("completions", "selftune/completions@1", data), nullptr);
}

std::string RenderPages(const Reply& reply, const Screen&) {
  std::string out;
  const auto& pages = reply.data()["pages"].items();
  for (const Json& page : pages) {
    out += page["text"].is_null() ? page["name"].Text() + "\n" : page["text"].Text();
  }
  return out;
}

std::string PageJson(const std::string& name, bool with_text) {
  return JsonObject()
      .AddText("name", name)
      .AddText("file", name + ".1")
      .AddRaw("text", with_text ? Quote(ManPage(name)) : "null")
      .Take();
}

int RunMan(const Invocation& invocation) {
  std::string wanted = invocation.args.Get("page").value_or("selftune");
  if (!wanted.starts_with("selftune")) wanted = "selftune-" + wanted;
  const bool all = invocation.args.Has("all");
  std::string pages;
  std::vector<std::string> known = ManPages();
  for (const std::string& name : known) {
    if (!all && !invocation.args.Has("list") && name != wanted) continue;
    pages += (pages.empty() ? "" : ",") + PageJson(name, !invocation.args.Has("list"));
  }
  if (pages.empty()) {
    const std::string_view nearest = Nearest(wanted, {known.begin(), known.end()});
    return FinishFailure(
        invocation, "man", kErrorSchema,
        UsageFailure("INVALID_FLAG", "no page " + Typed(wanted),
                     nearest.empty() ? "see selftune man --list"
                                     : "did you mean " + std::string(nearest) + "?"));
  }
  return Finish(invocation, OwnEnvelope("man", "selftune/man@1", "{\"pages\":[" + pages + "]}"),
                RenderPages);
}

constexpr Positional kShell[] = {
    {"shell", "bash, zsh, fish or powershell", /*required=*/true, /*many=*/false, {}, kShells},
};
constexpr Example kCompletionExamples[] = {
    {"source <(selftune completions bash)", "in ~/.bashrc"},
    {"selftune completions zsh > ~/.zfunc/_selftune", "a folder of $fpath"},
    {"selftune completions fish > ~/.config/fish/completions/selftune.fish", "for fish"},
};

constexpr Positional kPage[] = {
    {"page", "a first word of commands; selftune without it", /*required=*/false},
};
constexpr Flag kManFlags[] = {
    {"list", "only the names of the pages", FlagType::kSwitch},
    {"all", "every page", FlagType::kSwitch},
};
constexpr Example kManExamples[] = {
    {"selftune man sync --text | man -l -", "read it, also where it is not installed"},
    {"selftune man --list", "which pages there are"},
};

}  // namespace

extern const Command kCompletionsCommand = {
    .path = "completions",
    .summary = "Print a completion script for a shell",
    .group = "Tools",
    .positionals = kShell,
    .examples = kCompletionExamples,
    .run = RunCompletions,
    .rare = true,
};

extern const Command kManCommand = {
    .path = "man",
    .summary = "Print a manual page",
    .group = "Tools",
    .flags = kManFlags,
    .positionals = kPage,
    .examples = kManExamples,
    .run = RunMan,
    .rare = true,
    .verbatim = true,
};

}  // namespace selftune::cli
