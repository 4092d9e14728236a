#include "hooks/suggestions.h"

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_scan.h"
#include "hooks/notes.h"
#include "hooks/told.h"

namespace selftune::hooks {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr std::string_view kPlace = "{}";

constexpr std::string_view kDay = "day-";

std::string DayName(int64_t day) { return std::string(kDay) + std::to_string(day); }

std::string Fill(std::string_view text, const std::string& skill) {
  std::string out(text);
  if (const size_t at = out.find(kPlace); at != out.npos) out.replace(at, kPlace.size(), skill);
  return out;
}

// What the settings say of it, as whoever wrote the notes has read them.
int64_t CooldownOf(const config::SuggestionRule& rule, std::string_view notes) {
  const base::JsonSpan days = FindNote(notes, "days");
  const base::JsonSpan own = days.is_object() ? FindNote(days.text, rule.id) : base::JsonSpan{};
  int64_t number = 0;
  if (own.kind == base::JsonSpan::Kind::kNumber) {
    std::from_chars(own.text.data(), own.text.data() + own.text.size(), number);
  }
  return config::IsCooldown(number) ? number : rule.cooldown_days;
}

// Did the rule speak so lately that it is silent? Which one spoke, each day says.
bool Rests(const World& world, const config::SuggestionRule& rule, int64_t cooldown_days,
           int64_t today) {
  for (int64_t day = today - cooldown_days + 1; day < today; ++day) {
    if (ToldText(world, DayName(day)) == rule.id) return true;
  }
  return false;
}

// What is said is said for good: nothing is used up by what is not.
class Speaker {
 public:
  Speaker(const World& world, std::string_view session, std::string_view notes)
      : world_(world),
        notes_(notes),
        session_(ToldName("session", session)),
        day_(world.now.value / kDayMs) {}

  [[nodiscard]] bool May() const {
    return !WasTold(world_, DayName(day_)) && !WasTold(world_, session_);
  }
  // `id` is that of the rule and, behind a colon, what it is about.
  [[nodiscard]] bool Says(std::string_view id) const {
    const config::SuggestionRule* const rule = config::FindRule(id.substr(0, id.find(':')));
    if (rule == nullptr) return false;
    const std::string name = ToldName("hint", id);
    if (WasTold(world_, name)) return false;
    if (Rests(world_, *rule, CooldownOf(*rule, notes_), day_)) return false;
    return FirstToSay(world_, DayName(day_), rule->id) && FirstToSay(world_, session_) &&
           FirstToSay(world_, name);
  }

 private:
  const World& world_;
  std::string_view notes_;
  std::string session_;
  int64_t day_;
};

Response Say(std::string_view text) {
  Response out;
  out.context = "[selftune] Suggestion: ";
  out.context += text;
  return out;
}

}  // namespace

bool IsDayName(std::string_view name) { return name.starts_with(kDay); }

std::string TextOf(const config::SuggestionRule& rule, std::string_view skill) {
  const std::string_view command = IsPlainName(skill) ? rule.command : rule.command_without_name;
  return Fill(rule.text, NameInWords(skill)) + "; see " + Fill(command, std::string(skill));
}

bool SuggestsCorrections(std::string_view notes_json) {
  return FindNote(notes_json, "corrections").IsTrue();
}

Response Suggest(const World& world, const HookEvent& event, std::string_view missed) {
  const std::string notes = ReadNotes(world);
  if (notes.empty()) return {};
  const Speaker speaker(world, event.session_id, notes);
  const base::JsonSpan hints = FindNote(notes, "hints");
  if ((missed.empty() && !hints.is_object()) || !speaker.May()) return {};
  if (!missed.empty()) {
    const config::SuggestionRule& rule = config::RuleOf(config::SuggestionId::kCorrection);
    const std::string id = std::string(rule.id) + ":" + std::string(missed);
    if (speaker.Says(id)) return Say(TextOf(rule, missed));
  }
  if (!hints.is_object()) return {};
  base::JsonScan scan(hints.text);
  while (scan.Next()) {
    const std::string text = scan.value().ToString();
    if (!text.empty() && speaker.Says(scan.key().ToString())) return Say(text);
  }
  return {};
}

}  // namespace selftune::hooks
