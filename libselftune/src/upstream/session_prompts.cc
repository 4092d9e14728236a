#include "upstream/session_prompts.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "upstream/row_text.h"
#include "upstream/words.h"

namespace selftune::upstream {
namespace {

using store::StoredPrompt;

// The hook wrote both rows of one prompt within moments.
constexpr int64_t kMoments = 2'000;
// Of a text that is held; of a longer one its hash is.
constexpr size_t kFewWords = 512;

constexpr std::array<std::string_view, 5> kPromptColumns = {
    "prompt_id", "session_id", "occurred_at", "prompt_index", "prompt_text"};
constexpr std::array<std::string_view, 4> kQueryColumns = {"id", "session_id", "timestamp",
                                                           "query"};
constexpr std::array<std::string_view, 3> kSameQuery = {"id", "session_id", "query"};

bool Near(const std::optional<UtcMillis>& a, const std::optional<UtcMillis>& b) {
  return a.has_value() && b.has_value() && std::abs(a->value - b->value) <= kMoments;
}

// Columns of a prompt that our row does not say as it was.
std::vector<std::string_view> Spoiled(const SourceRow& row, const StoredPrompt& prompt,
                                      std::string_view other_kind) {
  std::vector<std::string_view> out;
  const auto& r = row.row;
  if (!r["occurred_at"].is_null() && !TimeOf(r["occurred_at"])) out.push_back("occurred_at");
  if (r["prompt_index"].AsInt() != std::optional<int64_t>(prompt.seq)) {
    out.push_back("prompt_index");
    out.push_back("prompt_id");
  }
  const std::string kind = TextOf(r["prompt_kind"]);
  if (kind != (other_kind.empty() ? "user" : other_kind)) out.push_back("prompt_kind");
  if (r["is_actionable"].AsInt().value_or(0) != (other_kind.empty() ? 1 : 0)) {
    out.push_back("is_actionable");
  }
  return out;
}

std::vector<std::string_view> CarriedPrompt() {
  std::vector<std::string_view> out(kPromptColumns.begin(), kPromptColumns.end());
  out.push_back("prompt_kind");
  out.push_back("is_actionable");
  return out;
}

}  // namespace

const StoredPrompt* SessionPrompts::ById(const std::string& prompt_id) const {
  const auto found = by_id_.find(prompt_id);
  return found != by_id_.end() ? &found->second.prompt : nullptr;
}

StatusOr<std::string> SessionPrompts::TextOfPrompt(const std::string& prompt_id) {
  const auto found = by_id_.find(prompt_id);
  if (found == by_id_.end()) return std::string();
  ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(*found->second.row));
  return TextOf(row.row["prompt_text"]);
}

bool SessionPrompts::Says(const std::string& prompt_id, std::string_view text) const {
  const auto found = by_id_.find(prompt_id);
  return found != by_id_.end() && found->second.key == KeyOf(text);
}

std::string SessionPrompts::KeyOf(std::string_view text) { return base::Sha256Bytes(text); }

const StoredPrompt* SessionPrompts::ByText(std::string_view text,
                                           const std::optional<UtcMillis>& at) const {
  const StoredPrompt* best = nullptr;
  const auto [begin, end] = by_text_.equal_range(KeyOf(text));
  for (auto it = begin; it != end; ++it) {
    const StoredPrompt& prompt = it->second;
    if (!prompt.actionable) continue;
    const bool before = !at.has_value() || !prompt.at.has_value() || *prompt.at <= *at;
    if (best == nullptr || (before && prompt.seq > best->seq)) best = &prompt;
  }
  return best;
}

size_t SessionPrompts::people() const {
  return static_cast<size_t>(
      std::ranges::count_if(stored_, [](const StoredPrompt& p) { return p.actionable; }));
}

bool SessionPrompts::IsLast(const std::string& prompt_id) const {
  const StoredPrompt* const named = ById(prompt_id);
  return named != nullptr && std::ranges::none_of(stored_, [&](const StoredPrompt& p) {
           return p.actionable && p.seq > named->seq;
         });
}

// A stored prompt with these words that no other row of the kind stands for.
StatusOr<bool> SessionPrompts::Claim(const Told& told, std::set<int64_t>& claimed) {
  const SourceRow& row = told.row;
  ST_ASSIGN_OR_RETURN(const store::BodyId body, engine_.writer().InternBody(told.text));
  const bool query = &claimed == &claimed_queries_;
  const auto at = TimeOf(row.row[query ? "timestamp" : "occurred_at"]);
  const StoredPrompt* found = nullptr;
  for (const StoredPrompt& prompt : stored_) {
    const bool same = row.Unchanged() || prompt.body == body;
    if (row.dst() == prompt.pk.value && same) {
      found = &prompt;  // as in an earlier import
      break;
    }
    if (prompt.body != body || claimed.contains(prompt.pk.value)) continue;
    if (found == nullptr || (Near(prompt.at, at) && !Near(found->at, at))) found = &prompt;
  }
  if (found == nullptr) return false;
  claimed.insert(found->pk.value);
  const std::string name = TextOf(row.row[query ? "timestamp" : "prompt_id"]);
  told_[std::pair(name, told.key)] = {.pk = found->pk.value};
  by_text_.emplace(told.key, *found);
  if (query) {
    ST_RETURN_IF_ERROR(engine_.Record(
        row, {.verdict = ImportVerdict::kMerged, .dst = found->pk.value, .carried = kSameQuery}));
    return true;
  }
  const std::string kind = TextOf(row.row["prompt_kind"]);
  const std::vector<std::string_view> carried = CarriedPrompt();
  by_id_[name] = {*found, &told.at, told.key};
  ST_RETURN_IF_ERROR(engine_.Record(
      row, {.verdict = ImportVerdict::kMerged,
            .dst = found->pk.value,
            .carried = carried,
            .spoiled = Spoiled(row, *found, found->actionable ? "" : OtherKind(kind))}));
  return true;
}

Status SessionPrompts::TakePrompts() {
  for (const RowAt& at : rows_.prompts) ST_RETURN_IF_ERROR(TakePrompt(at));
  return absl::OkStatus();
}

Status SessionPrompts::TakePrompt(const RowAt& at) {
  ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(at));
  const TextIn words(row.row["prompt_text"]);
  const std::string_view text = words.view();
  if (text.empty()) return engine_.Reject(row, "prompt_text is missing");
  const Told told{at, row, text, KeyOf(text)};
  const std::string name = TextOf(row.row["prompt_id"]);
  ST_ASSIGN_OR_RETURN(const bool again, ToldAgain(told, name));
  if (again) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const bool known, Claim(told, claimed_prompts_));
  if (known) return absl::OkStatus();
  const std::string kind = TextOf(row.row["prompt_kind"]);
  const bool actionable = row.row["is_actionable"].is_null()
                              ? kind == "user" || kind.empty()
                              : row.row["is_actionable"].AsInt().value_or(0) != 0;
  Item item{.row = &at, .key = told.key, .at = TimeOf(row.row["occurred_at"])};
  if (text.size() <= kFewWords) item.words = text;
  if (!actionable || IsPolluted(text, kind)) item.other_kind = OtherKind(kind);
  const auto index = row.row["prompt_index"].AsInt();
  if (index.has_value() && *index >= 0 && *index < std::numeric_limits<int32_t>::max() / 2) {
    item.wanted = static_cast<int32_t>(*index);
  }
  told_[std::pair(name, told.key)] = {.fresh = fresh_.size()};
  fresh_.push_back(std::move(item));
  return absl::OkStatus();
}

// The same record once more: nothing in a log is unique. `name` tells it from others with
// these words, "" = nothing does.
StatusOr<bool> SessionPrompts::ToldAgain(const Told& told, const std::string& name) {
  if (name.empty() || told.at.Unchanged()) return false;
  const auto known = told_.find(std::pair(name, told.key));
  if (known == told_.end()) return false;
  if (known->second.pk == 0) {
    again_.emplace_back(&told.at, known->second.fresh);
    return true;
  }
  ST_RETURN_IF_ERROR(engine_.Record(
      told.row, {.verdict = ImportVerdict::kMerged, .dst = known->second.pk, .whole = true}));
  return true;
}

// One of two texts was trimmed, or had its wrappers taken off.
StatusOr<bool> SessionPrompts::IsPart(const Item& item, std::string_view text) {
  const auto part = [&](std::string_view words) {
    return words.find(text) != std::string_view::npos || text.find(words) != std::string_view::npos;
  };
  if (item.words.has_value()) return part(*item.words);
  ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(*item.row));
  return part(TextIn(row.row["prompt_text"]).view());
}

// Is a prompt that is to be written the one of this query?
StatusOr<bool> SessionPrompts::SaysTheSame(const Told& query) {
  const auto at = TimeOf(query.row.row["timestamp"]);
  const Item* found = nullptr;
  for (const Item& item : fresh_) {
    if (item.from_queries || item.row == nullptr || claimed_fresh_.contains(&item)) continue;
    const bool near = Near(item.at, at);
    if (found != nullptr && (!near || Near(found->at, at))) continue;
    bool same = item.key == query.key;
    if (!same && near) {
      ST_ASSIGN_OR_RETURN(same, IsPart(item, query.text));
    }
    if (same) found = &item;
  }
  if (found == nullptr) return false;
  claimed_fresh_.insert(found);
  const auto i = static_cast<size_t>(found - fresh_.data());
  found_for_[&query.at] = i;
  told_[std::pair(TextOf(query.row.row["timestamp"]), query.key)] = {.fresh = i};
  return true;
}

// nullopt: it is recorded, or belongs to a prompt that is to be written.
StatusOr<std::optional<SessionPrompts::Item>> SessionPrompts::TakeQuery(const RowAt& at) {
  ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(at));
  const TextIn words(row.row["query"]);
  if (words.view().empty()) {
    ST_RETURN_IF_ERROR(engine_.Reject(row, "query is missing"));
    return std::optional<Item>();
  }
  const Told told{at, row, words.view(), KeyOf(words.view())};
  ST_ASSIGN_OR_RETURN(const bool again, ToldAgain(told, TextOf(row.row["timestamp"])));
  if (again) return std::optional<Item>();
  ST_ASSIGN_OR_RETURN(const bool known, Claim(told, claimed_queries_));
  if (known) return std::optional<Item>();
  ST_ASSIGN_OR_RETURN(const bool same, SaysTheSame(told));
  if (same) return std::optional<Item>();
  told_[std::pair(TextOf(row.row["timestamp"]), told.key)] = {.fresh = fresh_.size()};
  return std::optional<Item>(
      {.row = &at, .from_queries = true, .key = told.key, .at = TimeOf(row.row["timestamp"])});
}

Status SessionPrompts::TakeQueries() {
  fresh_.reserve(fresh_.size() + rows_.queries.size());  // claimed_fresh_ points into it
  for (const RowAt& at : rows_.queries) {
    ST_ASSIGN_OR_RETURN(std::optional<Item> orphan, TakeQuery(at));
    if (orphan.has_value()) fresh_.push_back(*std::move(orphan));
  }
  return absl::OkStatus();
}

// A number between those of its time, if one is free; else behind all.
int32_t SessionPrompts::PlaceFor(const Item& item) const {
  int32_t before = -1;
  for (const auto& [seq, at] : taken_) {
    const bool earlier = item.at.has_value() && at.has_value() && *at <= *item.at;
    if (earlier) before = seq;
  }
  if (item.at.has_value() && !session_.told_by_file && !taken_.contains(before + 1)) {
    return before + 1;
  }
  return taken_.empty() ? 0 : taken_.rbegin()->first + 1;
}

void SessionPrompts::Number() {
  for (const StoredPrompt& prompt : stored_) taken_.emplace(prompt.seq, prompt.at);
  std::vector<Item*> rest;
  for (Item& item : fresh_) {
    const bool free = item.wanted.has_value() && !taken_.contains(*item.wanted);
    if (free && !session_.told_by_file) {
      item.seq = item.wanted;
      taken_.emplace(*item.seq, item.at);
    } else {
      rest.push_back(&item);
    }
  }
  // Of equal times as they were added.
  std::ranges::sort(
      rest, {}, [](const Item* item) { return std::pair(item->at.value_or(UtcMillis{}), item); });
  for (Item* item : rest) {
    item->seq = PlaceFor(*item);
    taken_.emplace(*item->seq, item->at);
  }
}

StatusOr<StoredPrompt> SessionPrompts::Add(const Item& item, std::string_view text) {
  // Where a transcript is known, it says which prompts there were.
  const bool believed = !session_.told_by_file;
  std::string_view other = item.other_kind;
  if (!believed && other.empty()) other = "unknown";
  ST_ASSIGN_OR_RETURN(const store::PromptPk pk,
                      engine_.writer().UpsertPrompt(session_.pk, {.seq = item.seq.value_or(0),
                                                                  .other_kind = other,
                                                                  .text = text,
                                                                  .active = believed,
                                                                  .at = item.at,
                                                                  .capture = Capture::kLegacy,
                                                                  .origin = {.generation = 0}}));
  ST_ASSIGN_OR_RETURN(const store::BodyId body, engine_.writer().InternBody(text));
  StoredPrompt prompt{.pk = pk,
                      .seq = item.seq.value_or(0),
                      .body = body,
                      .at = item.at,
                      .actionable = other.empty() && session_.is_person};
  stored_.push_back(prompt);
  by_text_.emplace(item.key, prompt);
  return prompt;
}

StatusOr<StoredPrompt> SessionPrompts::Write(const Item& item) {
  ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(*item.row));
  const TextIn words(row.row[item.from_queries ? "query" : "prompt_text"]);
  ST_ASSIGN_OR_RETURN(const StoredPrompt prompt, Add(item, words.view()));
  if (item.from_queries) {
    ST_RETURN_IF_ERROR(engine_.Record(row, {.dst = prompt.pk.value, .carried = kQueryColumns}));
    return prompt;
  }
  const std::vector<std::string_view> carried = CarriedPrompt();
  const std::string kind = TextOf(row.row["prompt_kind"]);
  ST_RETURN_IF_ERROR(engine_.Record(
      row, {.dst = prompt.pk.value,
            .carried = carried,
            .spoiled = Spoiled(row, prompt, prompt.actionable ? "" : OtherKind(kind))}));
  by_id_[TextOf(row.row["prompt_id"])] = {prompt, item.row, item.key};
  return prompt;
}

Status SessionPrompts::Write() {
  std::vector<size_t> order(fresh_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [this](size_t i) { return fresh_[i].seq.value_or(0); });
  std::vector<int64_t> made(fresh_.size(), 0);
  for (const size_t i : order) {
    ST_ASSIGN_OR_RETURN(const StoredPrompt prompt, Write(fresh_[i]));
    made[i] = prompt.pk.value;
  }
  for (const auto& [at, i] : again_) {
    ST_ASSIGN_OR_RETURN(const SourceRow row, engine_.Load(*at));
    ST_RETURN_IF_ERROR(
        engine_.Record(row, {.verdict = ImportVerdict::kMerged, .dst = made[i], .whole = true}));
  }
  for (const auto& [at, i] : found_for_) {
    ST_ASSIGN_OR_RETURN(const SourceRow query, engine_.Load(*at));
    Fate fate{.verdict = ImportVerdict::kMerged, .dst = made[i], .carried = kSameQuery};
    const bool same = fresh_[i].key == KeyOf(TextIn(query.row["query"]).view());
    if (!same) fate.spoiled.push_back("query");
    ST_RETURN_IF_ERROR(engine_.Record(query, fate));
  }
  return absl::OkStatus();
}

StatusOr<StoredPrompt> SessionPrompts::Ensure(std::string_view text,
                                              const std::optional<UtcMillis>& at) {
  if (const StoredPrompt* known = ByText(text, at)) return *known;
  ST_ASSIGN_OR_RETURN(const store::BodyId body, engine_.writer().InternBody(text));
  for (const StoredPrompt& prompt : stored_) {
    if (prompt.body == body) return prompt;
  }
  Item item{.key = KeyOf(text), .at = at};
  item.seq = PlaceFor(item);
  taken_.emplace(*item.seq, at);
  return Add(item, text);
}

Status SessionPrompts::Import() {
  ST_ASSIGN_OR_RETURN(stored_, store::PromptsOfSession(engine_.db(), session_.pk));
  // Prompts that earlier imports wrote are theirs.
  for (const auto* list : {&rows_.prompts, &rows_.queries}) {
    for (const RowAt& row : *list) {
      if (row.dst() == 0) continue;
      (list == &rows_.prompts ? claimed_prompts_ : claimed_queries_).insert(row.dst());
    }
  }
  ST_RETURN_IF_ERROR(TakePrompts());
  ST_RETURN_IF_ERROR(TakeQueries());
  Number();
  return Write();
}

}  // namespace selftune::upstream
