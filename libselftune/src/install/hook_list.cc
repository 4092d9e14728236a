#include "install/hook_list.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace selftune::install {
namespace {

using base::JsonValue;

constexpr std::string_view kHooks = "hooks";

bool IsBlankText(std::string_view text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

bool Contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string PathOf(std::string_view event) { return "hooks." + std::string(event); }

// The words of a command line, with quotes and escapes as a shell reads them.
std::vector<std::string> WordsOf(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;
  char quote = '\0';
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (quote == '\0' && base::IsSpace(c)) {
      if (open) words.push_back(std::exchange(word, ""));
      open = false;
      continue;
    }
    open = true;
    if (c == '\\' && quote != '\'' && i + 1 < command.size()) {
      word.push_back(command[++i]);
    } else if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    } else {
      word.push_back(c);
    }
  }
  if (open) words.push_back(std::move(word));
  return words;
}

template <size_t N>
bool IsOneOf(std::string_view word, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// ".../cli/selftune/hooks/prompt-log.ts": a script of the reference.
bool IsReferenceScript(std::string_view path) {
  constexpr std::array<std::string_view, 7> kNames = {
      "prompt-log",         "session-stop",    "skill-eval",  "auto-activate",
      "skill-change-guard", "evolution-guard", "commit-track"};
  constexpr std::string_view kFolder = "/cli/selftune/hooks/";
  const size_t at = path.rfind(kFolder);
  if (at == path.npos) return false;
  std::string_view name = path.substr(at + kFolder.size());
  for (const std::string_view ending : {".ts", ".js", ".mjs"}) {
    if (name.ends_with(ending)) return IsOneOf(name.substr(0, name.size() - ending.size()), kNames);
  }
  return false;
}

// `node [.../run-hook.cjs] SCRIPT`, and what package runners start.
bool IsReferenceCommand(std::string_view command) {
  constexpr std::array<std::string_view, 5> kRunners = {"bun", "bunx", "node", "npx", "tsx"};
  // A path of Windows is no escape.
  const std::vector<std::string> words = WordsOf(base::ReplaceAll(command, "\\", "/"));
  if (words.empty()) return false;
  const std::string_view program = base::BaseName(words[0]);
  if (program == "bash" && words.size() == 3 && words[1] == "-c") {
    return words[2].find("$SELFTUNE_CLI_PATH") != std::string::npos &&
           words[2].find("npx -y selftune@latest ") != std::string::npos;
  }
  if (!IsOneOf(program, kRunners)) return false;
  size_t next = 1;
  while (next < words.size() &&
         (words[next].starts_with('-') || words[next].ends_with("/bin/run-hook.cjs"))) {
    ++next;
  }
  if (next >= words.size()) return false;
  if (IsReferenceScript(words[next])) return true;
  if (words[next] != "selftune" && !words[next].starts_with("selftune@")) return false;
  return std::find(words.begin() + static_cast<ptrdiff_t>(next), words.end(), "hook") !=
         words.end();
}

// A settings file, read anew after each change of its text.
class HookFile {
 public:
  static StatusOr<HookFile> Read(std::string text, const HookFileRules& rules,
                                 std::string_view path) {
    HookFile file(std::move(text), rules, path);
    ST_RETURN_IF_ERROR(file.Parse());
    return file;
  }

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string TakeText() && { return std::move(text_); }

  // nullptr: there are none.
  [[nodiscard]] const JsonNode* Hooks() const {
    const JsonItem* const item = root_.Find(kHooks);
    return item == nullptr ? nullptr : &item->value;
  }
  [[nodiscard]] const JsonNode* Event(std::string_view event) const {
    const JsonNode* const hooks = Hooks();
    const JsonItem* const item = hooks == nullptr ? nullptr : hooks->Find(event);
    return item == nullptr ? nullptr : &item->value;
  }

  [[nodiscard]] std::vector<FoundHook> All() const {
    std::vector<FoundHook> out;
    const JsonNode* const hooks = Hooks();
    if (hooks == nullptr) return out;
    for (const JsonItem& event : hooks->items) {
      if (hooks->Find(event.key) != &event || !event.value.is_array()) continue;
      for (size_t g = 0; g < event.value.items.size(); ++g) {
        const JsonNode& group = event.value.items[g].value;
        const JsonItem* const handlers = group.Find(kHooks);
        if (handlers == nullptr || !handlers->value.is_array()) continue;
        for (size_t h = 0; h < handlers->value.items.size(); ++h) {
          const std::string command = TextAt(handlers->value.items[h].value, "command");
          out.push_back({.event = event.key,
                         .matcher = TextAt(group, "matcher"),
                         .command = command,
                         .group = g,
                         .handler = h,
                         .ours = IsOurCommand(command)});
        }
      }
    }
    return out;
  }

  [[nodiscard]] std::vector<FoundHook> Ours(std::string_view event) const {
    std::vector<FoundHook> out;
    for (FoundHook& hook : All()) {
      if (hook.ours && hook.event == event) out.push_back(std::move(hook));
    }
    return out;
  }

  [[nodiscard]] size_t HandlersOf(std::string_view event, size_t group) const {
    const JsonItem* const handlers = Event(event)->items[group].value.Find(kHooks);
    return handlers == nullptr ? 0 : handlers->value.items.size();
  }
  [[nodiscard]] size_t GroupsOf(std::string_view event) const { return Event(event)->items.size(); }

  [[nodiscard]] JsonValue Group(std::string_view event, size_t group) const {
    return ValueOf(text_, Event(event)->items[group].value);
  }

  // --- changes -------------------------------------------------------------
  Status AddHooks() {
    return Set(AppendItem(text_, root_, 0, style_, kHooks, JsonValue::Object({})));
  }
  Status AddEvent(std::string_view event) {
    return Set(AppendItem(text_, *Hooks(), 1, style_, event, JsonValue::Array({})));
  }
  Status AddGroup(std::string_view event, const JsonValue& group) {
    return Set(AppendItem(text_, *Event(event), 2, style_, "", group));
  }
  Status ReplaceGroup(std::string_view event, size_t group, const JsonValue& with) {
    return Set(ReplaceItem(text_, *Event(event), 2, style_, group, with));
  }
  Status RemoveHandler(std::string_view event, size_t group, size_t handler) {
    const JsonNode& node = Event(event)->items[group].value;
    return Set(RemoveItem(text_, node.Find(kHooks)->value, 4, style_, handler));
  }
  Status RemoveGroup(std::string_view event, size_t group) {
    return Set(RemoveItem(text_, *Event(event), 2, style_, group));
  }
  Status RemoveEvent(std::string_view event) {
    const JsonNode& hooks = *Hooks();
    return Set(RemoveItem(text_, hooks, 1, style_, IndexOf(hooks, event)));
  }
  Status RemoveHooks() { return Set(RemoveItem(text_, root_, 0, style_, IndexOf(root_, kHooks))); }

 private:
  HookFile(std::string text, const HookFileRules& rules, std::string_view path)
      : text_(std::move(text)), rules_(rules), path_(path) {}

  Status Set(std::string text) {
    text_ = std::move(text);
    return Parse();
  }

  Status Parse() {
    ST_ASSIGN_OR_RETURN(root_, ParseJsonText(text_, rules_.dialect, path_));
    if (!root_.is_object()) return Wrong("the file holds no object");
    style_ = StyleOf(text_, root_);
    if (root_.Count(kHooks) > 1) return Wrong("`hooks` stands in it twice");
    const JsonNode* const hooks = Hooks();
    if (hooks == nullptr) return absl::OkStatus();
    if (!hooks->is_object()) return Wrong("`hooks` is no object");
    for (const JsonItem& event : hooks->items) {
      if (hooks->Count(event.key) > 1) {
        return Wrong("`hooks." + event.key + "` stands in it twice");
      }
      for (const JsonItem& group : event.value.items) {
        if (group.value.Count(kHooks) > 1) {
          return Wrong("`hooks` stands twice in a group of `hooks." + event.key + "`");
        }
      }
    }
    return absl::OkStatus();
  }

  [[nodiscard]] Status Wrong(const std::string& what) const {
    return WithSuggestion(Fail(kSettingsInvalid, "reading {}: {}", path_, what),
                          "correct the file: it was left as it is", "selftune hooks status");
  }

  [[nodiscard]] std::string TextAt(const JsonNode& object, std::string_view key) const {
    const JsonItem* const item = object.Find(key);
    return item == nullptr ? std::string() : ValueOf(text_, item->value).AsString();
  }

  static size_t IndexOf(const JsonNode& object, std::string_view key) {
    return static_cast<size_t>(object.Find(key) - object.items.data());
  }

  std::string text_;
  HookFileRules rules_;
  std::string_view path_;
  JsonNode root_;
  JsonStyle style_;
};

// Whether `found` says all that `wanted` says. Hosts that rewrite a file change
// the order of keys, and people add notes.
bool Covers(const JsonValue& found, const JsonValue& wanted) {
  if (wanted.is_object()) {
    return found.is_object() && std::all_of(wanted.members().begin(), wanted.members().end(),
                                            [&](const JsonValue::Member& member) {
                                              return Covers(found[member.first], member.second);
                                            });
  }
  if (wanted.is_array()) {
    return found.is_array() && std::equal(found.items().begin(), found.items().end(),
                                          wanted.items().begin(), wanted.items().end(), Covers);
  }
  return found == wanted;
}

// An empty document where there is none.
std::string Document(std::string_view text) {
  return IsBlankText(text) ? std::string("{}\n") : std::string(text);
}

// Takes one handler of ours out, and the group with it when it was alone.
Status TakeOut(HookFile& file, const FoundHook& hook, const HookFileRules& rules) {
  if (file.HandlersOf(hook.event, hook.group) > 1) {
    return file.RemoveHandler(hook.event, hook.group, hook.handler);
  }
  if (rules.positional && hook.group + 1 < file.GroupsOf(hook.event)) {
    return file.ReplaceGroup(hook.event, hook.group,
                             JsonValue::Object({{std::string(kHooks), JsonValue::Array({})}}));
  }
  return file.RemoveGroup(hook.event, hook.group);
}

// Removes containers that are empty now and that may go.
Status Prune(HookFile& file, const std::string& event, const std::vector<std::string>* made) {
  const JsonNode* const groups = file.Event(event);
  const auto may_go = [&](std::string_view what) {
    return made == nullptr || Contains(*made, what);
  };
  if (groups != nullptr && groups->is_array() && groups->items.empty() && may_go(PathOf(event))) {
    ST_RETURN_IF_ERROR(file.RemoveEvent(event));
  }
  const JsonNode* const hooks = file.Hooks();
  if (hooks != nullptr && hooks->items.empty() && may_go(kHooks)) return file.RemoveHooks();
  return absl::OkStatus();
}

bool IsIn(const std::vector<WantedHook>& wanted, std::string_view event) {
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const WantedHook& hook) { return hook.event == event; });
}

// The last ones first, so that the places of the others hold.
Status TakeOutAll(HookFile& file, const std::string& event, std::optional<size_t> but_group,
                  const HookFileRules& rules, int& removed) {
  std::vector<FoundHook> ours = file.Ours(event);
  std::reverse(ours.begin(), ours.end());
  for (const FoundHook& hook : ours) {
    if (hook.group == but_group) continue;
    ST_RETURN_IF_ERROR(TakeOut(file, hook, rules));
    ++removed;
  }
  return absl::OkStatus();
}

// The group that becomes `wanted`: the first that holds nothing but ours.
std::optional<size_t> OwnGroup(const HookFile& file, const std::string& event) {
  for (const FoundHook& hook : file.Ours(event)) {
    if (file.HandlersOf(event, hook.group) == 1) return hook.group;
  }
  return std::nullopt;
}

Status PutIn(HookFile& file, const WantedHook& wanted, const HookFileRules& rules, HookEdit& edit) {
  std::optional<size_t> own = OwnGroup(file, wanted.event);
  // An exact one anywhere is better than a stale one in front of it.
  for (const FoundHook& hook : file.Ours(wanted.event)) {
    if (Covers(file.Group(wanted.event, hook.group), wanted.group)) {
      own = hook.group;
      break;
    }
  }
  if (own.has_value()) {
    if (!Covers(file.Group(wanted.event, *own), wanted.group)) {
      ST_RETURN_IF_ERROR(file.ReplaceGroup(wanted.event, *own, wanted.group));
      ++edit.updated;
    }
    return TakeOutAll(file, wanted.event, own, rules, edit.removed);
  }
  if (file.Hooks() == nullptr) {
    ST_RETURN_IF_ERROR(file.AddHooks());
    edit.made.emplace_back(kHooks);
  }
  if (file.Event(wanted.event) == nullptr) {
    ST_RETURN_IF_ERROR(file.AddEvent(wanted.event));
    edit.made.push_back(PathOf(wanted.event));
  }
  if (!file.Event(wanted.event)->is_array()) {
    return Fail(kSettingsInvalid, "adding a hook: `hooks.{}` is no list", wanted.event);
  }
  ST_RETURN_IF_ERROR(TakeOutAll(file, wanted.event, std::nullopt, rules, edit.removed));
  ++edit.added;
  return file.AddGroup(wanted.event, wanted.group);
}

}  // namespace

std::string ShimIn(std::string_view command) {
  constexpr std::array<std::string_view, 5> kBefore = {"env", "exec", "nice", "nohup", "timeout"};
  if (command.starts_with(kSharedStart)) return std::string(kShimName);
  bool wrapped = false;
  for (const std::string& word : WordsOf(command)) {
    if (base::BaseName(word) == kShimName) return word;
    // Of a wrapper: its options and its time.
    const bool its_own = wrapped && (word.starts_with('-') || (word[0] >= '0' && word[0] <= '9'));
    const bool variable = word.find('=') != word.npos && word.find('/') > word.find('=');
    const bool wrapper = IsOneOf(base::BaseName(word), kBefore);
    if (!its_own && !variable && !wrapper) return "";
    wrapped = wrapped || wrapper;
  }
  return "";
}

bool IsOurCommand(std::string_view command) {
  return !ShimIn(command).empty() || IsReferenceCommand(command);
}

StatusOr<std::vector<FoundHook>> FindHooks(std::string_view text, const HookFileRules& rules,
                                           std::string_view path) {
  ST_ASSIGN_OR_RETURN(const HookFile file, HookFile::Read(Document(text), rules, path));
  return file.All();
}

StatusOr<HookEdit> WithHooks(std::string_view text, const std::vector<WantedHook>& wanted,
                             const HookFileRules& rules, std::string_view path) {
  HookEdit edit;
  ST_ASSIGN_OR_RETURN(HookFile file, HookFile::Read(Document(text), rules, path));
  for (const WantedHook& hook : wanted) ST_RETURN_IF_ERROR(PutIn(file, hook, rules, edit));
  for (const FoundHook& hook : file.All()) {
    if (!hook.ours || IsIn(wanted, hook.event)) continue;
    ST_RETURN_IF_ERROR(TakeOutAll(file, hook.event, std::nullopt, rules, edit.removed));
    ST_RETURN_IF_ERROR(Prune(file, hook.event, nullptr));
  }
  edit.text = std::move(file).TakeText();
  edit.changed = edit.added + edit.updated + edit.removed > 0;
  if (!edit.changed) edit.text = std::string(text);
  return edit;
}

StatusOr<HookEdit> WithoutHooks(std::string_view text, const HookFileRules& rules,
                                const std::vector<std::string>* made, std::string_view path) {
  HookEdit edit;
  edit.text = std::string(text);
  if (IsBlankText(text)) return edit;
  ST_ASSIGN_OR_RETURN(HookFile file, HookFile::Read(std::string(text), rules, path));
  const std::vector<FoundHook> all = file.All();
  // In reverse, so that what was put in last goes first.
  for (auto hook = all.rbegin(); hook != all.rend(); ++hook) {
    if (!hook->ours || file.Event(hook->event) == nullptr) continue;
    ST_RETURN_IF_ERROR(TakeOutAll(file, hook->event, std::nullopt, rules, edit.removed));
    ST_RETURN_IF_ERROR(Prune(file, hook->event, made));
  }
  edit.changed = edit.removed > 0;
  if (edit.changed) edit.text = std::move(file).TakeText();
  return edit;
}

StatusOr<bool> HasExactly(std::string_view text, const std::vector<WantedHook>& wanted,
                          const HookFileRules& rules, std::string_view path) {
  ST_ASSIGN_OR_RETURN(const HookEdit edit, WithHooks(text, wanted, rules, path));
  return !edit.changed;
}

}  // namespace selftune::install
