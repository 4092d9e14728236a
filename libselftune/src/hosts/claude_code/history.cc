#include "hosts/claude_code/history.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>

#include "base/status_macros.h"
#include "base/strings.h"
#include "ingest/typed_command.h"

namespace selftune::hosts::claude_code {
namespace {

// What the host answers itself: transcripts have no prompt of it. Sorted.
constexpr auto kLocal = std::to_array<std::string_view>({"add-dir",
                                                         "agents",
                                                         "bashes",
                                                         "bug",
                                                         "clear",
                                                         "color",
                                                         "compact",
                                                         "config",
                                                         "context",
                                                         "continue",
                                                         "copy",
                                                         "cost",
                                                         "diff",
                                                         "doctor",
                                                         "effort",
                                                         "exit",
                                                         "export",
                                                         "extra-usage",
                                                         "fast",
                                                         "feedback",
                                                         "help",
                                                         "hooks",
                                                         "ide",
                                                         "install",
                                                         "install-github-app",
                                                         "keybindings",
                                                         "login",
                                                         "logout",
                                                         "mcp",
                                                         "memory",
                                                         "migrate-installer",
                                                         "mobile",
                                                         "model",
                                                         "output-style",
                                                         "output-style:new",
                                                         "passes",
                                                         "permissions",
                                                         "plan",
                                                         "plugin",
                                                         "plugins",
                                                         "privacy-settings",
                                                         "quit",
                                                         "release-notes",
                                                         "reload-plugins",
                                                         "remote-control",
                                                         "remote-env",
                                                         "rename",
                                                         "resume",
                                                         "rewind",
                                                         "sandbox",
                                                         "skills",
                                                         "stats",
                                                         "status",
                                                         "statusline",
                                                         "stickers",
                                                         "tasks",
                                                         "terminal-setup",
                                                         "theme",
                                                         "todos",
                                                         "upgrade",
                                                         "usage",
                                                         "vim"});

using Pasted = std::map<std::string, std::string, std::less<>>;

// The host shows a long paste as "[Pasted text #1 +20 lines]"; the model got the text.
std::string WithPasted(std::string_view display, const Pasted& pasted) {
  constexpr std::string_view kOpen = "[Pasted text #";
  std::string out;
  size_t from = 0;
  for (;;) {
    const size_t at = display.find(kOpen, from);
    const size_t end = at == std::string_view::npos ? at : display.find(']', at);
    if (end == std::string_view::npos) break;
    std::string_view number = display.substr(at + kOpen.size(), end - at - kOpen.size());
    number = number.substr(0, number.find_first_not_of("0123456789"));
    const auto found = pasted.find(number);
    out.append(display.substr(from, at - from));
    out.append(found != pasted.end() ? std::string_view(found->second)
                                     : display.substr(at, end + 1 - at));
    from = end + 1;
  }
  out.append(display.substr(from));
  return out;
}

}  // namespace

Status ReadHistoryLine(std::string_view line, base::LineParser& parser,
                       ingest::HistoryEntry& entry) {
  std::string display;
  Pasted pasted;
  ST_RETURN_IF_ERROR(parser.ForEachField(line, [&](std::string_view key, base::JsonField& value) {
    if (key == "display") display = value.String().value_or(std::string_view());
    if (key == "sessionId") entry.session = value.String().value_or(std::string_view());
    if (key == "project") entry.cwd = value.String().value_or(std::string_view());
    if (key == "timestamp") {
      if (const auto ms = value.Int(); ms.has_value()) entry.at = UtcMillis{*ms};
    }
    if (key != "pastedContents") return;
    value.ForEachField([&](std::string_view number, base::JsonField& item) {
      const std::string name(number);
      item.ForEachField([&](std::string_view field, base::JsonField& text) {
        if (field == "content") pasted[name] = text.String().value_or(std::string_view());
      });
    });
  }));
  entry.text = WithPasted(display, pasted);
  const std::string_view typed = base::Trim(entry.text);
  if (typed.starts_with('!')) entry.typed_for_model = false;  // for the shell
  const ingest::TypedCommand command = ingest::ReadTypedCommand(typed);
  if (command.name.empty()) return absl::OkStatus();
  if (std::binary_search(kLocal.begin(), kLocal.end(), command.name)) {
    entry.typed_for_model = false;
    return absl::OkStatus();
  }
  entry.command = command.name;
  entry.args = command.args;
  return absl::OkStatus();
}

}  // namespace selftune::hosts::claude_code
