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
  return found != by_id_.end() ? &found->second : nullptr;
}

std::optional<std::string_view> SessionPrompts::TextOfPrompt(const std::string& prompt_id) const {
  const auto found = text_by_id_.find(prompt_id);
  if (found == text_by_id_.end()) return std::nullopt;
  return found->second.view();
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

void SessionPrompts::Remember(const StoredPrompt& prompt, std::string_view text) {
  by_text_.emplace(KeyOf(text), prompt);
}

// A stored prompt with these words that no other row of the kind stands for.
StatusOr<bool> SessionPrompts::Claim(const SourceRow& row, std::string_view text,
                                     std::set<int64_t>& claimed) {
  ST_ASSIGN_OR_RETURN(const store::BodyId body, engine_.writer().InternBody(text));
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
  told_[std::pair(name, KeyOf(text))] = {.pk = found->pk.value};
  if (query) {
    Remember(*found, text);
    ST_RETURN_IF_ERROR(engine_.Record(
        row, {.verdict = ImportVerdict::kMerged, .dst = found->pk.value, .carried = kSameQuery}));
    return true;
  }
  const std::string kind = TextOf(row.row["prompt_kind"]);
  const std::vector<std::string_view> carried = CarriedPrompt();
  ST_RETURN_IF_ERROR(engine_.Record(
      row, {.verdict = ImportVerdict::kMerged,
            .dst = found->pk.value,
            .carried = carried,
            .spoiled = Spoiled(row, *found, found->actionable ? "" : OtherKind(kind))}));
  const std::string id = TextOf(row.row["prompt_id"]);
  by_id_[id] = *found;
  text_by_id_[id] = TextIn(row.row["prompt_text"]);
  Remember(*found, text);
  return true;
}

Status SessionPrompts::TakePrompts() {
  for (const SourceRow& row : rows_.prompts) {
    TextIn words(row.row["prompt_text"]);
    const std::string_view text = words.view();
    if (text.empty()) {
      ST_RETURN_IF_ERROR(engine_.Reject(row, "prompt_text is missing"));
      continue;
    }
    ST_ASSIGN_OR_RETURN(const bool again, ToldAgain(row, text, TextOf(row.row["prompt_id"])));
    if (again) continue;
    ST_ASSIGN_OR_RETURN(const bool known, Claim(row, text, claimed_prompts_));
    if (known) continue;
    const std::string kind = TextOf(row.row["prompt_kind"]);
    const bool actionable = row.row["is_actionable"].is_null()
                                ? kind == "user" || kind.empty()
                                : row.row["is_actionable"].AsInt().value_or(0) != 0;
    Item item{.row = &row, .text = std::move(words), .at = TimeOf(row.row["occurred_at"])};
    if (!actionable || IsPolluted(item.text.view(), kind)) item.other_kind = OtherKind(kind);
    const auto index = row.row["prompt_index"].AsInt();
    if (index.has_value() && *index >= 0 && *index < std::numeric_limits<int32_t>::max() / 2) {
      item.wanted = static_cast<int32_t>(*index);
    }
    told_[std::pair(TextOf(row.row["prompt_id"]), KeyOf(item.text.view()))] = {.fresh =
                                                                                   fresh_.size()};
    fresh_.push_back(std::move(item));
  }
  return absl::OkStatus();
}

// The same record once more: nothing in a log is unique. `name` tells it from others with
// these words, "" = nothing does.
StatusOr<bool> SessionPrompts::ToldAgain(const SourceRow& row, std::string_view text,
                                         const std::string& name) {
  if (name.empty() || row.Unchanged()) return false;
  const auto known = told_.find(std::pair(name, KeyOf(text)));
  if (known == told_.end()) return false;
  if (known->second.pk == 0) {
    again_.emplace_back(&row, known->second.fresh);
    return true;
  }
  ST_RETURN_IF_ERROR(engine_.Record(
      row, {.verdict = ImportVerdict::kMerged, .dst = known->second.pk, .whole = true}));
  return true;
}

// Is a prompt that is to be written the one of this query?
bool SessionPrompts::SaysTheSame(const SourceRow& query, std::string_view text,
                                 const std::optional<UtcMillis>& at) {
  Item* found = nullptr;
  for (Item& item : fresh_) {
    if (item.from_queries || item.row == nullptr) continue;
    if (claimed_fresh_.contains(&item)) continue;
    const std::string_view words = item.text.view();
    const bool same = words == text;
    // One of them was trimmed, or had its wrappers taken off.
    const bool part = Near(item.at, at) && (words.find(text) != std::string_view::npos ||
                                            text.find(words) != std::string_view::npos);
    if (!same && !part) continue;
    if (found == nullptr || (Near(item.at, at) && !Near(found->at, at))) found = &item;
  }
  if (found == nullptr) return false;
  claimed_fresh_.insert(found);
  const auto i = static_cast<size_t>(found - fresh_.data());
  found_for_[&query] = i;
  told_[std::pair(TextOf(query.row["timestamp"]), KeyOf(text))] = {.fresh = i};
  return true;
}

StatusOr<bool> SessionPrompts::TakeQuery(const SourceRow& row) {
  const TextIn words(row.row["query"]);
  const std::string_view text = words.view();
  if (text.empty()) {
    ST_RETURN_IF_ERROR(engine_.Reject(row, "query is missing"));
    return true;
  }
  ST_ASSIGN_OR_RETURN(const bool again, ToldAgain(row, text, TextOf(row.row["timestamp"])));
  if (again) return true;
  ST_ASSIGN_OR_RETURN(const bool known, Claim(row, text, claimed_queries_));
  return known || SaysTheSame(row, text, TimeOf(row.row["timestamp"]));
}

Status SessionPrompts::TakeQueries() {
  std::vector<Item> orphans;
  for (const SourceRow& row : rows_.queries) {
    ST_ASSIGN_OR_RETURN(const bool taken, TakeQuery(row));
    if (taken) continue;
    Item item{.row = &row,
              .from_queries = true,
              .text = TextIn(row.row["query"]),
              .at = TimeOf(row.row["timestamp"])};
    told_[std::pair(TextOf(row.row["timestamp"]), KeyOf(item.text.view()))] = {
        .fresh = fresh_.size() + orphans.size()};
    orphans.push_back(std::move(item));
  }
  for (Item& item : orphans) fresh_.push_back(std::move(item));
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

StatusOr<StoredPrompt> SessionPrompts::Add(const Item& item) {
  // Where a transcript is known, it says which prompts there were.
  const bool believed = !session_.told_by_file;
  std::string_view other = item.other_kind;
  if (!believed && other.empty()) other = "unknown";
  ST_ASSIGN_OR_RETURN(const store::PromptPk pk,
                      engine_.writer().UpsertPrompt(session_.pk, {.seq = item.seq.value_or(0),
                                                                  .other_kind = other,
                                                                  .text = item.text.view(),
                                                                  .active = believed,
                                                                  .at = item.at,
                                                                  .capture = Capture::kLegacy,
                                                                  .origin = {.generation = 0}}));
  ST_ASSIGN_OR_RETURN(const store::BodyId body, engine_.writer().InternBody(item.text.view()));
  StoredPrompt prompt{.pk = pk,
                      .seq = item.seq.value_or(0),
                      .body = body,
                      .at = item.at,
                      .actionable = other.empty() && session_.is_person};
  stored_.push_back(prompt);
  Remember(prompt, item.text.view());
  return prompt;
}

Status SessionPrompts::Write() {
  std::vector<size_t> order(fresh_.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [this](size_t i) { return fresh_[i].seq.value_or(0); });
  const std::vector<std::string_view> carried = CarriedPrompt();
  std::vector<int64_t> made(fresh_.size(), 0);
  for (const size_t i : order) {
    const Item& item = fresh_[i];
    ST_ASSIGN_OR_RETURN(const StoredPrompt prompt, Add(item));
    made[i] = prompt.pk.value;
    if (item.from_queries) {
      ST_RETURN_IF_ERROR(
          engine_.Record(*item.row, {.dst = prompt.pk.value, .carried = kQueryColumns}));
      continue;
    }
    ST_RETURN_IF_ERROR(engine_.Record(
        *item.row,
        {.dst = prompt.pk.value,
         .carried = carried,
         .spoiled = Spoiled(*item.row, prompt,
                            prompt.actionable ? std::string_view()
                                              : OtherKind(TextOf(item.row->row["prompt_kind"])))}));
    const std::string id = TextOf(item.row->row["prompt_id"]);
    by_id_[id] = prompt;
    text_by_id_[id] = item.text;
  }
  for (const auto& [row, i] : again_) {
    ST_RETURN_IF_ERROR(
        engine_.Record(*row, {.verdict = ImportVerdict::kMerged, .dst = made[i], .whole = true}));
  }
  for (const auto& [query, i] : found_for_) {
    Fate fate{.verdict = ImportVerdict::kMerged, .dst = made[i], .carried = kSameQuery};
    if (fresh_[i].text.view() != TextIn(query->row["query"]).view())
      fate.spoiled.push_back("query");
    ST_RETURN_IF_ERROR(engine_.Record(*query, fate));
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
  Item item{.text = TextIn(text), .at = at};
  item.seq = PlaceFor(item);
  taken_.emplace(*item.seq, at);
  return Add(item);
}

Status SessionPrompts::Import() {
  ST_ASSIGN_OR_RETURN(stored_, store::PromptsOfSession(engine_.db(), session_.pk));
  // Prompts that earlier imports wrote are theirs.
  for (const auto* list : {&rows_.prompts, &rows_.queries}) {
    for (const SourceRow& row : *list) {
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
