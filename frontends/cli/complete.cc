#include "cli/complete.h"

#include <algorithm>
#include <set>
#include <utility>

#include "cli/library.h"
#include "cli/man.h"
#include "cli/options.h"
#include "cli/registry.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

constexpr int64_t kPatienceMs = 1000;
constexpr size_t kTextWidth = 60;

// Values that the store or the settings know, with what stands around each on a line.
struct Source {
  std::string_view name;   // of a flag or positional
  std::string_view group;  // its command begins so; "" = any
  std::string_view op;
  std::string_view params;
  std::string_view list;  // in the reply
  std::string_view field;
  std::string_view text;
  std::string_view before = {}, after = {};
};
constexpr Source kSources[] = {
    {"skill", "", "skill.list", R"({"limit":1000})", "items", "name", "state"},
    {"proposal-id", "", "proposal.list", "{}", "items", "proposal_id", "skill"},
    {"key", "config", "config.list", "{}", "values", "key", "value"},
    {"key", "config", "skill.list", R"({"limit":1000})", "items", "name", "state", "skills.",
     ".autonomy"},
    {"id", "backup", "store.backup_list", "{}", "backups", "id", "at"},
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
Json AskFor(std::string_view op, std::string_view params, LibraryOptions options) {
  options.look_only = true;
  const Answer answer =
      Ask(options, RequestText(op, params, kCompleteCommand, kPatienceMs), nullptr);
  return Json::Parse(answer.envelope).value_or(Json())["data"];
}

void OfferFrom(const Source& source, const LibraryOptions& options, Offers& offers) {
  const Json reply = AskFor(source.op, source.params, options);
  for (const Json& row : reply[source.list].items()) {
    const std::string value = row[source.field].Text();
    offers.Add(std::string(source.before) + value + std::string(source.after),
               row[source.text].Text());
  }
}

// A schema is found by its id, selftune/status@1, and by what is short of it.
void OfferSchemas(const LibraryOptions& options, Offers& offers) {
  constexpr std::string_view kFront = "selftune/";
  const Json reply = AskFor("schema.list", "{}", options);
  for (const Json& row : reply["schemas"].items()) {
    const std::string_view id = row["id"].Text();
    offers.Add(id, row["op"].Text());
    if (!id.starts_with(kFront)) continue;
    const std::string_view name = id.substr(kFront.size());
    offers.Add(name.substr(0, name.find('@')), row["op"].Text());
  }
}

// What a setting takes: its words, or a folder.
void OfferSetting(const std::string& key, const LibraryOptions& options, Offers& offers) {
  const std::string params = JsonObject().AddText("key", key).Take();
  const Json reply = AskFor("config.get", params, options);
  for (const Json& row : reply["values"].items()) {
    for (const Json& word : row["choices"].items()) offers.Add(word.Text(), "");
  }
  if (key.starts_with("hosts.")) offers.Files(/*folders=*/true);
}

// The agents are those that have a setting: hosts.<id>.home.
void OfferHosts(const LibraryOptions& options, Offers& offers) {
  constexpr std::string_view kFront = "hosts.";
  constexpr std::string_view kBack = ".home";
  const Json reply = AskFor("config.list", "{}", options);
  for (const Json& row : reply["values"].items()) {
    std::string_view key = row["key"].Text();
    if (!key.starts_with(kFront) || !key.ends_with(kBack)) continue;
    key.remove_prefix(kFront.size());
    key.remove_suffix(kBack.size());
    offers.Add(key, row["value"].Text());
  }
}

// What the library checks the parameter by; nullptr: it takes any text.
const ParamRow* FindParam(const Command& command, const std::string& name) {
  std::vector<std::string_view> ops = {command.op};
  for (const Variant& variant : command.variants) ops.push_back(variant.op);
  for (const std::string_view op : ops) {
    for (const ParamRow& row : kParams) {
      if (row.op == op && row.name == name) return &row;
    }
  }
  return nullptr;
}

// A flag or a positional that waits for its value.
struct Slot {
  std::string_view name, shown;
  std::string param;
  std::span<const std::string_view> choices;
};
Slot SlotOf(const Flag& flag) {
  return {flag.name, flag.value, ParamName(flag.param, flag.name), flag.choices};
}
Slot SlotOf(const Positional& positional) {
  return {positional.name, positional.name, ParamName(positional.param, positional.name),
          positional.choices};
}

void OfferChecked(const Typed& typed, const Slot& slot, Offers& offers) {
  for (const std::string_view choice : slot.choices) offers.Add(choice, "");
  if (!slot.choices.empty()) return;  // perhaps fewer than the library's
  const ParamRow* const row =
      typed.command == nullptr ? nullptr : FindParam(*typed.command, slot.param);
  if (row == nullptr) {
    // The agent that answers model calls is a setting as well.
    if (slot.param == "agent") OfferSetting("agent_cli", typed.options, offers);
    return;
  }
  if (row->hosts) OfferHosts(typed.options, offers);
  for (std::string_view rest = row->choices; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    offers.Add(word, "");
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
}

void OfferValues(const Typed& typed, const Slot& slot, Offers& offers) {
  OfferChecked(typed, slot, offers);
  for (const Source& source : kSources) {
    const bool fits = source.group.empty() || typed.path == source.group ||
                      typed.path.starts_with(std::string(source.group) + " ");
    if (source.name == slot.name && fits && FindOp(source.op) != nullptr) {
      OfferFrom(source, typed.options, offers);
    }
  }
  if (slot.name == "id" && typed.path == "schema") OfferSchemas(typed.options, offers);
  if (slot.shown == "path" || slot.shown == "file") offers.Files(/*folders=*/false);
  if (slot.shown == "dir" || slot.shown == "folder") offers.Files(/*folders=*/true);
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
  if (positional.name == "page") {  // man
    for (std::string_view page : ManPages()) {
      if (page.starts_with("selftune-")) page.remove_prefix(std::string_view("selftune-").size());
      offers.Add(page, "");
    }
  }
  if (typed.path == "config set" && at == 1) {
    OfferSetting(typed.words.substr(0, typed.words.find(' ')), typed.options, offers);
  }
  OfferValues(typed, SlotOf(positional), offers);
}

// `front` stands before the value on the line. Of a list the last item is being typed.
std::string OffersForValue(const Typed& typed, const Flag& flag, const std::string& value,
                           std::string front) {
  size_t begin = 0;
  if (flag.type == FlagType::kList && value.rfind(',') != value.npos) begin = value.rfind(',') + 1;
  front += value.substr(0, begin);
  Offers offers(std::string_view(value).substr(begin), front);
  OfferValues(typed, SlotOf(flag), offers);
  return offers.text();
}

std::string OffersFor(const std::vector<std::string>& words) {
  const Typed typed = Read(words);
  const std::string& current = words.back();
  if (typed.open.has_value()) {
    return OffersForValue(typed, *typed.open, current, "");
  }
  if (!typed.literal && current.starts_with("-")) {
    const size_t equals = current.find('=');
    const std::optional<Flag> flag = FindFlag(typed, current);
    if (equals != std::string::npos && flag.has_value()) {
      return OffersForValue(typed, *flag, current.substr(equals + 1),
                            current.substr(0, equals + 1));
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
