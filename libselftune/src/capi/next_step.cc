#include "capi/next_step.h"

#include <algorithm>
#include <utility>

#include "base/error_next.h"
#include "base/strings.h"

namespace selftune::capi {
namespace {

// Longer ones are no use on a command line.
constexpr size_t kLongestRequest = 2000;

// Commands that look at no store, and one whose --db is another's.
constexpr std::string_view kPlaceless[] = {"schema", "help", "version", "completions"};
constexpr std::string_view kOwnDb = "import";

// What there is to choose from, by the beginning of an operation's name.
struct Choice {
  std::string_view op;
  ErrorNext next;
};
constexpr Choice kChoices[] = {
    {"store.backup", {{}, "selftune backup list", "see which backups there are"}},
    {"store.restore", {{}, "selftune backup list", "see which backups there are"}},
    {"skill.", {{}, "selftune skills list", "see which files of skills are known"}},
    {"evolve.", {{}, "selftune skills list", "see which files of skills are known"}},
    {"proposal.", {{}, "selftune skills list", "see which files of skills are known"}},
    {"deploy.", {{}, "selftune skills list", "see which files of skills are known"}},
    {"install.", {{}, "selftune hooks status", "see which programs and files hooks need"}},
    {"sync.", {{}, "selftune doctor --only 'db.*'", "see where the store is to be"}},
};

ErrorNext ChoiceOf(std::string_view op) {
  for (const Choice& choice : kChoices) {
    if (op.starts_with(choice.op)) return choice.next;
  }
  return {};
}

bool IsOneOf(std::string_view word, const auto& list) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

}  // namespace

Status WithStep(const Status& status) {
  const ErrorNext next = FindErrorNext(CodeOf(status).name);
  return WithSuggestion(status, Suggestion(status).empty() ? next.text : "",
                        NextCommand(status).empty() ? next.command : "");
}

std::string RequestCommand(const OpSpec& op, const base::JsonValue& params,
                           std::string_view extra) {
  const auto command = [&op](std::vector<base::JsonValue::Member> members) {
    std::vector<base::JsonValue::Member> request;
    request.emplace_back("op", base::JsonValue::Text(std::string(op.name)));
    if (!members.empty()) {
      request.emplace_back("params", base::JsonValue::Object(std::move(members)));
    }
    return base::JoinCommand(
        {"selftune", "request", base::JsonValue::Object(std::move(request)).ToJson()});
  };
  std::vector<base::JsonValue::Member> members;
  for (const auto& [name, value] : params.members()) {
    if (!value.is_null() && name != extra) members.emplace_back(name, value);
  }
  if (!extra.empty()) {
    members.emplace_back(std::string(extra), base::JsonValue::Bool(true));
  }
  std::string whole = command(std::move(members));
  return whole.size() <= kLongestRequest ? whole : command({});
}

Status WithStepOf(const Status& status, const OpSpec& op, const base::JsonValue& params,
                  const Engine& engine) {
  if (!NextCommand(status).empty() || !Suggestion(status).empty()) return status;
  const std::string_view code = CodeOf(status).name;
  if (code == kStoreReadOnly.name && engine.options().read_only) {
    return WithSuggestion(status,
                          "open it for writing (Python: read_only=False, C: without "
                          "SELFTUNE_READ_ONLY, the dashboard: without --read-only), or ask the "
                          "command line",
                          RequestCommand(op, params, ""));
  }
  if (code != kFileNotFound.name) return status;
  const ErrorNext next = ChoiceOf(op.name);
  return WithSuggestion(status, next.text, next.command);
}

std::vector<std::string> InPlace(std::vector<std::string> argv, const Paths& paths) {
  // A line for a shell that ends in a command of ours: cd /project && selftune ...
  constexpr std::string_view kAndThen = " && ";
  if (argv.size() == 3 && argv[0] == "sh" && argv[1] == "-c") {
    const size_t at = argv[2].rfind(std::string(kAndThen) + "selftune ");
    if (at == std::string::npos) return argv;
    const size_t ours = at + kAndThen.size();
    argv[2].replace(ours, argv[2].npos,
                    base::JoinCommand(InPlace(SplitCommand(argv[2].substr(ours)), paths)));
    return argv;
  }
  if (argv.size() < 2 || argv[0] != "selftune" || IsOneOf(argv[1], kPlaceless)) return argv;
  std::vector<std::string> flags;
  const auto add = [&](std::string_view flag, const std::string& value) {
    if (value.empty() || IsOneOf(flag, argv)) return;
    flags.emplace_back(flag);
    flags.push_back(value);
  };
  add("--home", paths.chosen_state_dir);
  if (argv[1] != kOwnDb) add("--db", paths.chosen_db);
  // Behind it stand words of another program.
  const auto end = std::find(argv.begin(), argv.end(), "--");
  argv.insert(end, flags.begin(), flags.end());
  return argv;
}

Status InPlace(const Status& status, const Paths& paths) {
  const Status whole = WithStep(status);
  return WithSuggestion(whole, "",
                        base::JoinCommand(InPlace(SplitCommand(NextCommand(whole)), paths)));
}

std::vector<std::string> SplitCommand(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;  // a word has begun, perhaps empty ('')
  char quote = 0;
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else if (c == '\\' && quote == '"' && i + 1 < command.size()) {
        word += command[++i];
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      open = true;
    } else if (base::IsSpace(c)) {
      if (open) words.push_back(std::move(word));
      word.clear();
      open = false;
    } else {
      if (c == '\\' && i + 1 < command.size()) ++i;
      word += command[i];
      open = true;
    }
  }
  if (open) words.push_back(std::move(word));
  return words;
}

}  // namespace selftune::capi
