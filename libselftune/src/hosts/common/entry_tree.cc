#include "hosts/common/entry_tree.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "hosts/common/raw_text.h"
#include "hosts/common/state_json.h"

namespace selftune::hosts {
namespace {

constexpr size_t kKeyDigits = 12;
constexpr uint64_t kKeyMask = (uint64_t{1} << (kKeyDigits * 4)) - 1;
// A branch from a record further back is not told from a continuation.
constexpr size_t kMaxKeys = 100'000;

uint64_t KeyOf(std::string_view id) { return id.empty() ? 0 : (RecordKey(id) & kKeyMask) | 1; }

}  // namespace

int32_t EntryTree::TurnOf(uint64_t key) const {
  for (size_t i = keys_.size(); i-- > 0;) {
    if (keys_[i] != key) continue;
    const auto run = std::find_if(runs_.rbegin(), runs_.rend(),
                                  [&](const auto& entry) { return entry.first <= i; });
    return run == runs_.rend() ? kNone : run->second;
  }
  return turn_;  // not known: as if it went on
}

std::vector<int32_t> EntryTree::PromptsAbove(int32_t turn) const {
  std::vector<int32_t> prompts;
  while (turn >= 0 && turn < static_cast<int32_t>(turns_.size())) {
    const Turn& at = turns_[static_cast<size_t>(turn)];
    if (at.prompt != kNone) prompts.push_back(at.prompt);
    if (at.above >= turn) break;
    turn = at.above;
  }
  return prompts;
}

void EntryTree::Enter(std::string_view id, std::string_view parent, Dialogue& dialogue,
                      ingest::Batch& batch) {
  if (id.empty()) return;
  const uint64_t above = KeyOf(parent);
  const bool follows = keys_.empty() || above == last_;
  if (!follows) {
    const int32_t target = above == 0 ? kNone : TurnOf(above);
    const std::vector<int32_t> before = PromptsAbove(turn_);
    const std::vector<int32_t> after = PromptsAbove(target);
    const auto in = [](const std::vector<int32_t>& list, int32_t seq) {
      return std::find(list.begin(), list.end(), seq) != list.end();
    };
    for (const int32_t seq : before) {
      if (!in(after, seq)) dialogue.SetActive(seq, false, batch);
    }
    for (const int32_t seq : after) {
      if (!in(before, seq)) dialogue.SetActive(seq, true, batch);
    }
    if (target != turn_) {
      const Turn turn = target == kNone ? Turn() : turns_[static_cast<size_t>(target)];
      dialogue.ReturnTo(turn.prompt == kNone ? std::nullopt : std::optional(turn.prompt),
                        turn.state);
      turn_ = target;
      runs_.emplace_back(keys_.size(), turn_);
    }
  }
  if (keys_.size() >= kMaxKeys) return;
  last_ = KeyOf(id);
  keys_.push_back(last_);
}

void EntryTree::Leave(std::optional<int32_t> prompt, const Dialogue& dialogue) {
  if (prompt.has_value()) {
    turns_.push_back({.prompt = *prompt, .above = turn_, .state = dialogue.state()});
    turn_ = static_cast<int32_t>(turns_.size()) - 1;
    runs_.emplace_back(keys_.empty() ? 0 : keys_.size() - 1, turn_);
  }
  if (turn_ != kNone) turns_[static_cast<size_t>(turn_)].state = dialogue.state();
}

void EntryTree::Save(base::JsonWriter& w) const {
  w.BeginObject();
  SaveInt(w, "turn", turn_ + 1);
  if (!keys_.empty()) {
    std::string packed;
    packed.reserve(keys_.size() * kKeyDigits);
    for (const uint64_t key : keys_) {
      fmt::format_to(std::back_inserter(packed), "{:012x}", key);
    }
    w.Field("keys", packed);
  }
  if (!runs_.empty()) {
    w.Key("runs").BeginArray();
    for (const auto& [from, turn] : runs_) w.Int(static_cast<int64_t>(from)).Int(turn);
    w.EndArray();
  }
  if (!turns_.empty()) {
    w.Key("turns").BeginArray();
    for (const Turn& turn : turns_) {
      w.Int(turn.prompt).Int(turn.above).Int(static_cast<int64_t>(turn.state));
    }
    w.EndArray();
  }
  w.EndObject();
}

EntryTree EntryTree::Load(const base::JsonValue& value) {
  EntryTree tree;
  const std::string& packed = value["keys"].AsString();
  for (size_t at = 0; at + kKeyDigits <= packed.size(); at += kKeyDigits) {
    uint64_t key = 0;
    std::from_chars(packed.data() + at, packed.data() + at + kKeyDigits, key, 16);
    tree.keys_.push_back(key);
  }
  if (!tree.keys_.empty()) tree.last_ = tree.keys_.back();
  const auto& runs = value["runs"].items();
  for (size_t i = 0; i + 1 < runs.size(); i += 2) {
    tree.runs_.emplace_back(static_cast<uint64_t>(runs[i].AsInt()),
                            static_cast<int32_t>(runs[i + 1].AsInt()));
  }
  const auto& turns = value["turns"].items();
  for (size_t i = 0; i + 2 < turns.size(); i += 3) {
    tree.turns_.push_back({.prompt = static_cast<int32_t>(turns[i].AsInt()),
                           .above = static_cast<int32_t>(turns[i + 1].AsInt()),
                           .state = static_cast<Dialogue::TurnState>(turns[i + 2].AsInt())});
  }
  const auto count = static_cast<int32_t>(tree.turns_.size());
  const auto valid = [&](int32_t turn) { return turn >= kNone && turn < count ? turn : kNone; };
  tree.turn_ = valid(static_cast<int32_t>(value["turn"].AsInt()) - 1);
  for (auto& run : tree.runs_) run.second = valid(run.second);
  return tree;
}

}  // namespace selftune::hosts
