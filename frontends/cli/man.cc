#include "cli/man.h"

#include <algorithm>
#include <cstdio>

#include "cli/help.h"
#include "cli/library.h"
#include "cli/options.h"
#include "cli/registry.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

struct Row {
  std::string_view name, text;
};
constexpr Row kEnvironment[] = {
    {"SELFTUNE_HOME", "State folder, instead of ~/.selftune."},
    {"HOME", "Where the agents keep their settings and transcripts."},
    {"NO_COLOR", "Any value: no colours."},
    {"CLICOLOR_FORCE", "Any value but 0: colours also where stdout is no terminal."},
    {"COLUMNS", "Width of text where stdout is no terminal."},
    {"CI", "Any value: no progress display."},
};
constexpr Row kFiles[] = {
    {"~/.selftune/config.json", "The settings; see selftune config list."},
    {"~/.selftune/selftune.db", "The store: one SQLite file."},
};

std::string_view FirstWord(std::string_view path) { return path.substr(0, path.find(' ')); }

// Text that roff prints as it is.
std::string Roff(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const uint32_t c = NextCodePoint(text, at);
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      case '"':
        out += "\\(dq";
        break;
      default:
        if (c < 0x80) {
          out += static_cast<char>(c);
        } else {
          char code[16];
          std::snprintf(code, sizeof code, "\\[u%04X]", static_cast<unsigned>(c));
          out += code;
        }
    }
  }
  return out.starts_with(".") ? "\\&" + out : out;
}

std::string Bold(std::string_view text) { return "\\fB" + Roff(text) + "\\fR"; }

std::string Head(std::string_view name, std::string_view about) {
  std::string upper(name);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return ".\\\" Written by selftune man; do not edit.\n.TH " + upper + " 1 \"\" \"selftune " +
         std::string(LibraryVersion()) + "\" \"selftune manual\"\n.SH NAME\n" + std::string(name) +
         " \\- " + Roff(about) + "\n";
}

std::string Term(const std::string& head, std::string_view text) {
  return ".TP\n" + head + "\n" + Roff(text) + "\n";
}

std::string FlagTerms(const std::vector<Flag>& flags) {
  std::string out;
  for (const Flag& flag : flags) {
    std::string head = flag.letter == 0 ? "" : Bold(std::string("-") + flag.letter) + ", ";
    head += Bold("--" + std::string(flag.name));
    if (!flag.also.empty()) head += ", " + Bold("--" + std::string(flag.also));
    const std::string value = ValueOf(flag);
    if (!value.empty()) head += " \\fI" + Roff(value.substr(1)) + "\\fR";
    out += Term(head, flag.help);
  }
  return out;
}

// What a command is used for, with which arguments, and in which way.
std::string CommandPart(const Command& command) {
  std::string out = ".SS " + Roff(UsageLine(command)) + "\n" + Roff(command.summary) + ".\n";
  if (!command.alias_of.empty()) {
    out += ".PP\nAlias of " + Bold("selftune " + std::string(command.alias_of)) + ".\n";
  }
  for (const Positional& positional : command.positionals) {
    out += Term("\\fI" + Roff(positional.name) + "\\fR", positional.help);
  }
  std::vector<Flag> flags = OwnFlags(command);
  for (const Flag& flag : ExtraFlags(command)) flags.push_back(flag);
  out += FlagTerms(flags);
  if (command.examples.empty()) return out;
  out += ".PP\nExamples:\n";
  for (const Example& example : command.examples) {
    out +=
        ".PP\n" + Roff(example.what) + ":\n.PP\n.RS 4\n.EX\n" + Roff(example.line) + "\n.EE\n.RE\n";
  }
  return out;
}

std::string ExitStatus() {
  std::string out = ".SH EXIT STATUS\n";
  for (const ExitCode& code : ExitCodes()) {
    out += Term(Bold(code.code), std::string(code.name) + ": " + std::string(code.meaning) + ".");
  }
  return out;
}

std::string Rows(std::string_view title, std::span<const Row> rows) {
  std::string out = ".SH " + std::string(title) + "\n";
  for (const Row& row : rows) out += Term(Bold(row.name), row.text);
  return out;
}

std::string SeeAlso(std::string_view own) {
  std::string out;
  for (const std::string& page : ManPages()) {
    if (page != own) out += (out.empty() ? "" : ",\n") + (".BR " + page + " (1)");
  }
  return ".SH SEE ALSO\n" + out + "\n";
}

std::string MainPage() {
  std::string out =
      Head("selftune", "how agents use their skills, and better descriptions of them");
  out += ".SH SYNOPSIS\n.B selftune\n.I command\n.RI [ flags ]\n.SH DESCRIPTION\n";
  out +=
      "Reads the transcripts that coding agents keep, says which skills fire and which were "
      "missed, "
      "and improves their descriptions.\n.PP\n"
      "Where stdout is a terminal the output is text, elsewhere one JSON document; " +
      Bold("--json") + " and " + Bold("--text") +
      " decide.\nNo command waits for input, and none uses the network unless it is told to.\n";
  out += ".SH COMMANDS\n";
  for (const std::string_view group : kGroups) {
    out += ".SS " + Roff(group) + "\n";
    for (const Command* command : Registered()) {
      if (command->group == group) out += Term(Bold(command->path), command->summary);
    }
  }
  const auto global = GlobalFlags();
  out += ".SH OPTIONS\nEvery command takes these.\n" + FlagTerms({global.begin(), global.end()});
  out += ExitStatus() + Rows("ENVIRONMENT", kEnvironment) + Rows("FILES", kFiles);
  return out + SeeAlso("selftune");
}

std::string GroupPage(std::string_view word) {
  std::vector<const Command*> commands;
  for (const Command* command : Registered()) {
    if (FirstWord(command->path) == word) commands.push_back(command);
  }
  if (commands.empty()) return "";
  const std::string name = "selftune-" + std::string(word);
  std::string about;
  for (const Command* command : commands) {
    about += (about.empty() ? "" : "; ") + std::string(command->summary);
  }
  std::string out = Head(name, about) + ".SH SYNOPSIS\n";
  for (const Command* command : commands) {
    out += (command == commands.front() ? "" : ".br\n") + Bold(UsageLine(*command)) + "\n";
  }
  out += ".SH DESCRIPTION\n";
  for (const Command* command : commands) out += CommandPart(*command);
  out += ".SH OPTIONS\nThose that every command takes are described in\n.BR selftune (1).\n";
  return out + ExitStatus() + ".SH SEE ALSO\n.BR selftune (1)\n";
}

}  // namespace

std::vector<std::string> ManPages() {
  std::vector<std::string> words;
  for (const Command* command : Registered()) words.emplace_back(FirstWord(command->path));
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  std::vector<std::string> pages = {"selftune"};
  for (const std::string& word : words) pages.push_back("selftune-" + word);
  return pages;
}

std::string ManPage(std::string_view name) {
  if (name == "selftune") return MainPage();
  constexpr std::string_view kFront = "selftune-";
  return name.starts_with(kFront) ? GroupPage(name.substr(kFront.size())) : "";
}

}  // namespace selftune::cli
