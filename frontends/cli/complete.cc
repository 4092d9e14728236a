#include "cli/complete.h"

#include <algorithm>
#include <set>
#include <utility>

#include "cli/library.h"
#include "cli/options.h"
#include "cli/registry.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr int64_t kPatienceMs = 1000;
constexpr size_t kTextWidth = 60;

// Values that the store or the settings know.
struct Source {
  std::string_view name;   // of a flag or positional
  std::string_view group;  // its command begins so; "" = any
  std::string_view op;
  std::string_view params;
  std::string_view list;  // in the reply
  std::string_view field;
  std::string_view text;
};
constexpr Source kSources[] = {
    {"skill", "", "skill.list", R"({"limit":1000})", "items", "name", "state"},
    {"proposal-id", "", "proposal.list", "{}", "items", "proposal_id", "skill"},
    {"key", "config", "config.list", "{}", "values", "key", "value"},
    {"id", "backup", "store.backup_list", "{}", "backups", "id", "at"},
    {"id", "schema", "schema.list", "{}", "schemas", "id", "op"},
};

// Words before the one that is typed.
struct Typed {
  std::string path;  // of the command, as far as it goes
  const Command* command = nullptr;
  size_t positionals = 0;
  std::string words;         // the positionals, one blank between
  std::optional<Flag> open;  // waits for its value
  bool literal = false;      // behind "--"
  LibraryOptions options;
};

// What is offered, once each. A shell would run what it is given: nothing but
// plain characters is.
class Offers {
 public:
  Offers(std::string_view typed, std::string_view front) : typed_(typed), front_(front) {}

  void Add(std::string_view value, std::string_view text) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@+";
    if (value.empty() || value.find_first_not_of(kPlain) != std::string_view::npos) return;
    if (!value.starts_with(typed_) || !seen_.insert(std::string(value)).second) return;
    out_ += front_ + std::string(value) + "\t" + Shorten(OneLine(text), kTextWidth) + "\n";
  }
  void Files(bool folders) { out_ += folders ? ":dirs\n" : ":files\n"; }
  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  std::string_view typed_;
  std::string front_;  // before each value: "--skill="
  std::set<std::string> seen_;
  std::string out_;
};

std::optional<Flag> FindFlag(const Typed& typed, std::string_view word) {
  const auto global = GlobalFlags();
  const std::vector<Flag> flags = typed.command != nullptr
                                      ? FlagsOf(*typed.command)
                                      : std::vector<Flag>(global.begin(), global.end());
  const std::string_view name = word.substr(0, word.find('='));
  for (const Flag& flag : flags) {
    if (name.starts_with("--") && IsNamed(flag, name.substr(2))) return flag;
    if (flag.letter != 0 && name == std::string("-") + flag.letter) return flag;
  }
  return std::nullopt;
}

void Remember(Typed& typed, std::string_view flag, std::string value) {
  if (flag == "home")
    typed.options.home = std::move(value);
  else if (flag == "db")
    typed.options.db = std::move(value);
}

void TakeFlag(Typed& typed, const std::string& word) {
  const std::optional<Flag> flag = FindFlag(typed, word);
  if (!flag.has_value() || flag->type == FlagType::kSwitch) return;
  const size_t equals = word.find('=');
  if (equals == std::string::npos) {
    typed.open = flag;
  } else {
    Remember(typed, flag->name, word.substr(equals + 1));
  }
}

bool Begins(const std::string& path) {
  return std::any_of(Registered().begin(), Registered().end(), [&](const Command* command) {
    return command->path == path || command->path.starts_with(path + " ");
  });
}

Typed Read(const std::vector<std::string>& words) {
  Typed typed;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (typed.open.has_value()) {
      Remember(typed, typed.open->name, word);
      typed.open.reset();
    } else if (word == "--") {
      typed.literal = true;
    } else if (!typed.literal && word.size() > 1 && word[0] == '-') {
      TakeFlag(typed, word);
    } else {
      const std::string longer = typed.path.empty() ? word : typed.path + " " + word;
      if (typed.positionals == 0 && Begins(longer)) {
        typed.path = longer;
        typed.command = FindCommand(longer);
      } else {
        ++typed.positionals;
        typed.words += (typed.words.empty() ? "" : " ") + word;
      }
    }
  }
  return typed;
}

// What stands behind a word that is no command itself: "list, show, lock".
std::string WordsBelow(const std::string& path) {
  std::string out;
  for (const Command* command : Registered()) {
    if (!command->path.starts_with(path + " ")) continue;
    out += (out.empty() ? "" : ", ") + std::string(command->path.substr(path.size() + 1));
  }
  return out;
}

void OfferNextWords(const std::string& path, Offers& offers) {
  const std::string before = path.empty() ? "" : path + " ";
  for (const Command* command : Registered()) {
    if (!command->path.starts_with(before)) continue;
    const std::string_view rest = command->path.substr(before.size());
    const std::string_view word = rest.substr(0, rest.find(' '));
    const std::string whole = before + std::string(word);
    const Command* known = FindCommand(whole);
    offers.Add(word, known != nullptr ? std::string(known->summary) : WordsBelow(whole));
  }
}

// Answers that need the store are given if there is one.
void OfferFrom(const Source& source, const LibraryOptions& given, Offers& offers) {
  LibraryOptions options = given;
  options.look_only = true;
  const Answer answer =
      Ask(options, RequestText(source.op, source.params, kCompleteCommand, kPatienceMs), nullptr);
  const Json reply = Json::Parse(answer.envelope).value_or(Json());
  for (const Json& row : reply["data"][source.list].items()) {
    offers.Add(row[source.field].Text(), row[source.text].Text());
  }
}

// The agents are those that have a setting: hosts.<id>.home.
void OfferHosts(const LibraryOptions& options, Offers& offers) {
  constexpr std::string_view kFront = "hosts.";
  constexpr std::string_view kBack = ".home";
  const Answer answer =
      Ask(options, RequestText("config.list", "{}", kCompleteCommand, kPatienceMs), nullptr);
  const Json reply = Json::Parse(answer.envelope).value_or(Json());
  for (const Json& row : reply["data"]["values"].items()) {
    std::string_view key = row["key"].Text();
    if (!key.starts_with(kFront) || !key.ends_with(kBack)) continue;
    key.remove_prefix(kFront.size());
    key.remove_suffix(kBack.size());
    offers.Add(key, row["value"].Text());
  }
}

void OfferValues(const Typed& typed, std::string_view name, std::string_view shown,
                 std::span<const std::string_view> choices, Offers& offers) {
  for (const std::string_view choice : choices) offers.Add(choice, "");
  for (const Source& source : kSources) {
    const bool fits = source.group.empty() || typed.path == source.group ||
                      typed.path.starts_with(std::string(source.group) + " ");
    if (source.name == name && fits && FindOp(source.op) != nullptr) {
      OfferFrom(source, typed.options, offers);
    }
  }
  if (shown == "host" || shown == "hosts") {
    LibraryOptions options = typed.options;
    options.look_only = true;
    OfferHosts(options, offers);
  }
  if (shown == "path" || shown == "file") offers.Files(/*folders=*/false);
  if (shown == "dir" || shown == "folder") offers.Files(/*folders=*/true);
}

void OfferFlags(const Typed& typed, Offers& offers) {
  const auto global = GlobalFlags();
  const std::vector<Flag> flags = typed.command != nullptr
                                      ? FlagsOf(*typed.command)
                                      : std::vector<Flag>(global.begin(), global.end());
  for (const Flag& flag : flags) {
    offers.Add("--" + std::string(flag.name), flag.help);
    if (!flag.also.empty()) offers.Add("--" + std::string(flag.also), flag.help);
  }
}

void OfferPositional(const Typed& typed, Offers& offers) {
  const auto& positionals = typed.command->positionals;
  if (positionals.empty()) return;
  const size_t at = std::min(typed.positionals, positionals.size() - 1);
  const Positional& positional = positionals[at];
  if (typed.positionals > at && !positional.many) return;
  if (positional.name == "command") {  // help
    OfferNextWords(typed.words, offers);
    if (typed.words.empty()) offers.Add("exit-codes", "what the command exits with");
  }
  OfferValues(typed, positional.name, positional.name, positional.choices, offers);
}

std::string OffersFor(const std::vector<std::string>& words) {
  const Typed typed = Read(words);
  const std::string& current = words.back();
  if (typed.open.has_value()) {
    Offers offers(current, "");
    OfferValues(typed, typed.open->name, typed.open->value, typed.open->choices, offers);
    return offers.text();
  }
  if (!typed.literal && current.starts_with("-")) {
    const size_t equals = current.find('=');
    const std::optional<Flag> flag = FindFlag(typed, current);
    if (equals != std::string::npos && flag.has_value()) {
      Offers offers(std::string_view(current).substr(equals + 1), current.substr(0, equals + 1));
      OfferValues(typed, flag->name, flag->value, flag->choices, offers);
      return offers.text();
    }
    Offers offers(current, "");
    OfferFlags(typed, offers);
    return offers.text();
  }
  Offers offers(current, "");
  if (typed.positionals == 0) OfferNextWords(typed.path, offers);
  if (typed.command != nullptr) OfferPositional(typed, offers);
  return offers.text();
}

}  // namespace

int Complete(const std::vector<std::string>& words) {
  if (words.empty()) return 0;
  return WriteOut(OffersFor(words)) ? 0 : 1;
}

}  // namespace selftune::cli
