#include "upstream/session_prompts.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "store/forget.h"
#include "upstream/row_text.h"
#include "upstream/words.h"

namespace selftune::upstream {
namespace {

using store::StoredPrompt;

// Of a text that is held; of a longer one its hash is.
constexpr size_t kFewWords = 512;
// So many prompts are compared with a query within moments: nobody types more.
constexpr size_t kMostNear = 32;

constexpr std::array<std::string_view, 5> kPromptColumns = {
    "prompt_id", "session_id", "occurred_at", "prompt_index", "prompt_text"};
constexpr std::array<std::string_view, 4> kQueryColumns = {"id", "session_id", "timestamp",
                                                           "query"};
constexpr std::array<std::string_view, 3> kSameQuery = {"id", "session_id", "query"};

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
  const auto found = by_text_.LastBefore(KeyOf(text), at);
  return found.has_value() ? &stored_[*found] : nullptr;
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

// The one it was in an earlier import, else one that no other row of the kind stands for.
std::optional<size_t> SessionPrompts::FindStored(const Told& told, const OpenPrompts& open,
                                                 const std::optional<UtcMillis>& at) const {
  const std::string erased = some_erased_ ? store::ErasedBodyKey(told.key) : std::string();
  const auto known = stored_at_.find(told.row.dst());
  if (known != stored_at_.end()) {
    const std::string& words = stored_[known->second].words;
    if (told.row.Unchanged() || words == told.key || words == erased) return known->second;
  }
  auto found = open.Find(told.key, at);
  if (!found.has_value() && some_erased_) found = open.Find(erased, at);
  return found;
}

// By these words it is found from now on.
void SessionPrompts::Remember(size_t stored, const TextKey& key) {
  const StoredPrompt& prompt = stored_[stored];
  if (prompt.actionable) by_text_.Add(key, stored, prompt.seq, prompt.at);
}

// Is it a stored prompt?
StatusOr<bool> SessionPrompts::Claim(const Told& told, OpenPrompts& open) {
  const SourceRow& row = told.row;
  const bool query = &open == &open_queries_;
  const auto at = TimeOf(row.row[query ? "timestamp" : "occurred_at"]);
  const std::optional<size_t> which = FindStored(told, open, at);
  if (!which.has_value()) return false;
  open.Close(*which);
  const StoredPrompt* const found = &stored_[*which];
  const std::string name = TextOf(row.row[query ? "timestamp" : "prompt_id"]);
  told_[std::pair(name, told.key)] = {.pk = found->pk.value};
  Remember(*which, told.key);
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
  ST_ASSIGN_OR_RETURN(const bool known, Claim(told, open_prompts_));
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
  open_fresh_.Add(told.key, fresh_.size(), item.at);
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

// With its words and near in time; else near, and one is a part of the other; else with
// its words at any time.
StatusOr<std::optional<size_t>> SessionPrompts::FindFresh(const Told& query,
                                                          const std::optional<UtcMillis>& at) {
  if (const auto same = open_fresh_.FindNear(query.key, at)) return same;
  for (const size_t near : open_fresh_.Near(at, kMostNear)) {
    ST_ASSIGN_OR_RETURN(const bool part, IsPart(fresh_[near], query.text));
    if (part) return std::optional(near);
  }
  return open_fresh_.Find(query.key, at);
}

// Is a prompt that is to be written the one of this query?
StatusOr<bool> SessionPrompts::SaysTheSame(const Told& query) {
  ST_ASSIGN_OR_RETURN(const std::optional<size_t> found,
                      FindFresh(query, TimeOf(query.row.row["timestamp"])));
  if (!found.has_value()) return false;
  open_fresh_.Close(*found);
  found_for_[&query.at] = *found;
  told_[std::pair(TextOf(query.row.row["timestamp"]), query.key)] = {.fresh = *found};
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
  ST_ASSIGN_OR_RETURN(const bool known, Claim(told, open_queries_));
  if (known) return std::optional<Item>();
  ST_ASSIGN_OR_RETURN(const bool same, SaysTheSame(told));
  if (same) return std::optional<Item>();
  told_[std::pair(TextOf(row.row["timestamp"]), told.key)] = {.fresh = fresh_.size()};
  return std::optional<Item>(
      {.row = &at, .from_queries = true, .key = told.key, .at = TimeOf(row.row["timestamp"])});
}

Status SessionPrompts::TakeQueries() {
  for (const RowAt& at : rows_.queries) {
    ST_ASSIGN_OR_RETURN(std::optional<Item> orphan, TakeQuery(at));
    if (orphan.has_value()) fresh_.push_back(*std::move(orphan));
  }
  return absl::OkStatus();
}

// A number between those of its time, if one is free; else behind all.
int32_t SessionPrompts::PlaceFor(const Item& item) const {
  const bool by_time = item.at.has_value() && !session_.told_by_file;
  return by_time ? numbers_.NextAt(*item.at) : numbers_.Next();
}

void SessionPrompts::Number() {
  for (const StoredPrompt& prompt : stored_) numbers_.Take(prompt.seq, prompt.at);
  std::vector<Item*> rest;
  for (Item& item : fresh_) {
    const bool free = item.wanted.has_value() && !numbers_.IsTaken(*item.wanted);
    if (free && !session_.told_by_file) {
      item.seq = item.wanted;
      numbers_.Take(*item.seq, item.at);
    } else {
      rest.push_back(&item);
    }
  }
  // Of equal times as they were added.
  std::ranges::sort(
      rest, {}, [](const Item* item) { return std::pair(item->at.value_or(UtcMillis{}), item); });
  for (Item* item : rest) {
    item->seq = PlaceFor(*item);
    numbers_.Take(*item->seq, item->at);
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
  StoredPrompt prompt{.pk = pk,
                      .seq = item.seq.value_or(0),
                      .words = item.key,
                      .at = item.at,
                      .actionable = other.empty() && session_.is_person};
  stored_.push_back(prompt);
  Remember(stored_.size() - 1, item.key);
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
  Item item{.key = KeyOf(text), .at = at};
  auto known = by_words_.LastBefore(item.key, at);
  if (!known.has_value() && some_erased_) {
    known = by_words_.LastBefore(store::ErasedBodyKey(item.key), at);
  }
  if (known.has_value()) return stored_[*known];
  item.seq = PlaceFor(item);
  numbers_.Take(*item.seq, at);
  return Add(item, text);
}

Status SessionPrompts::LoadStored() {
  ST_ASSIGN_OR_RETURN(stored_, store::PromptsOfSession(engine_.db(), session_.pk));
  ST_ASSIGN_OR_RETURN(some_erased_, engine_.writer().AnyForgotten());
  for (size_t i = 0; i < stored_.size(); ++i) {
    const StoredPrompt& prompt = stored_[i];
    stored_at_.emplace(prompt.pk.value, i);
    open_prompts_.Add(prompt.words, i, prompt.at);
    open_queries_.Add(prompt.words, i, prompt.at);
    by_words_.Add(prompt.words, i, prompt.seq, prompt.at);
  }
  // Prompts that earlier imports wrote are theirs.
  for (const auto* list : {&rows_.prompts, &rows_.queries}) {
    OpenPrompts& open = list == &rows_.prompts ? open_prompts_ : open_queries_;
    for (const RowAt& row : *list) {
      const auto stored = stored_at_.find(row.dst());
      if (stored != stored_at_.end()) open.Close(stored->second);
    }
  }
  return absl::OkStatus();
}

Status SessionPrompts::Import() {
  ST_RETURN_IF_ERROR(LoadStored());
  ST_RETURN_IF_ERROR(TakePrompts());
  ST_RETURN_IF_ERROR(TakeQueries());
  Number();
  return Write();
}

}  // namespace selftune::upstream
